# shellcheck shell=sh disable=SC2016,SC2020,SC2034,SC2154
# Part of telemetry-hook.sh: all that knows Claude Code. Measured with 2.1.331; test/real/claudeModel.test.ts holds it
# against the real one. What the other parts use:
#   client_open       client_folder, settings, state; takes back what a repository's settings set
#   client_variables  adds Claude Code's own variables to what compose collects
#   client_model      what Claude Code will do: verdict and why; in full: destination, proxy, roots, hooks
#   client_keep       brings settings.json in step with $wanted, or takes the variables out
#   client_answer     the session's variables, and the one line that the engineer reads
# and client_name, client_checks (doctor's questions), client_sees (the command of doctor --live). The last two stand
# in claude-code/doctor.sh, which a session start never reads.
# Files in the state folder:
#   owned    the variables this hook put into settings.json, so that nobody else's are touched
#   layers   the other layers' text when settings.json was last judged, verdict: the judgement then
#   way      what of its place, or of jq, kept the variables out of settings.json at that time
#   seen     settings.json when it was last looked at: unchanged means nothing to do
#   after    settings.json as this hook last wrote it (`next` while it does), and
#   before   as it was until then: uninstall puts it back while `after` is still what is there

client_name="Claude Code"
client_checks="registration layers"

. "${self%/*}/clients/claude-code/session.sh"
. "${self%/*}/clients/claude-code/variables.sh"
. "${self%/*}/clients/claude-code/layers.sh"
. "${self%/*}/clients/claude-code/settings.sh"
