"""ClickHouse's engine under the shipped users.xml: each line of stdin is JSON [user, statement], each line of stdout
JSON [ok, answer or error]. The folder given holds config.xml, users.xml and users.d/."""

import json
import os
import sys

from chdb import session

folder = sys.argv[1]
os.makedirs(f"{folder}/data", exist_ok=True)
engine = session.Session(f"{folder}/data?config-file={folder}/config.xml")
for line in sys.stdin:
    user, statement = json.loads(line)
    try:
        said = engine.query(f"EXECUTE AS {user} {statement}" if user else statement, "TSV").bytes()
        answer = [True, (said or b"").decode("utf-8", "replace")]
    except Exception as error:  # chdb raises RuntimeError and its own
        answer = [False, str(error)]
    print(json.dumps(answer), flush=True)
