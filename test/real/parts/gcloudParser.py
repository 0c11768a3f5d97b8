# gcloud's own parser, asked in one process: a start of gcloud takes seconds. Nothing is run and nothing is dialled.
import contextlib, io, json, sys
sys.path[:0] = [sys.argv[1] + "/lib", sys.argv[1] + "/lib/third_party"]
import gcloud
gcloud._fix_google_module()
from googlecloudsdk import gcloud_main
cli = gcloud_main.CreateCLI([])
faults = []
for call in json.load(sys.stdin):
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            cli._TopElement()._parser.parse_args(call)
            fault = None
        except SystemExit:
            fault = said.getvalue().strip().split("\n")[0] or "refused"
        except Exception as error:
            fault = type(error).__name__ + ": " + str(error).split("\n")[0]
    faults.append(fault)
print(json.dumps(faults))
