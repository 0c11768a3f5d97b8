import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Machine, which } from "../../hooks/engineerMachine";

const denied = `ERROR: (gcloud.secrets.versions.access) PERMISSION_DENIED: Permission 'secretmanager.versions.access' denied for resource 'projects/example-dev/secrets/x/versions/latest' (or it may not exist).
- '@type': type.googleapis.com/google.rpc.ErrorInfo
  domain: secretmanager.googleapis.com
  metadata:
    permission: secretmanager.versions.access
  reason: IAM_PERMISSION_DENIED`;

/** What gcloud says, what the engineer must read of it, and what doctor tells them to do. */
const gcloud: [string, string, RegExp, RegExp][] = [
  [
    "not logged in",
    "ERROR: (gcloud.secrets.versions.access) You do not currently have an active account selected.\nPlease run:\n\n  $ gcloud auth login\n\nto obtain new credentials.",
    /do not currently have an active account/,
    /→ gcloud auth login/,
  ],
  [
    "no account is active",
    "ERROR: (gcloud.secrets.versions.access) No account is active.\nPlease run:\n\nto go on with it.",
    /No account is active/,
    /→ gcloud auth login/,
  ],
  [
    "a session that has run out",
    "Reauthentication required.\nERROR: (gcloud.secrets.versions.access) There was a problem refreshing your current auth tokens: Reauthentication failed. cannot prompt during non-interactive execution.\nPlease run:\n\n  $ gcloud auth login",
    /Reauthentication failed/,
    /→ gcloud auth login/,
  ],
  [
    "a revoked token",
    "ERROR: (gcloud.secrets.versions.access) There was a problem refreshing your current auth tokens: ('invalid_grant: Bad Request', {'error': 'invalid_grant'})",
    /invalid_grant/,
    /→ gcloud auth login/,
  ],
  [
    "no permission",
    denied,
    /secretmanager\.versions\.access/,
    /→ ask the platform team to let you read secret monitoring-signoz-ingestion-key-secret-dev of project example-dev/,
  ],
  [
    "the API is off",
    "ERROR: (gcloud.secrets.versions.access) PERMISSION_DENIED: Secret Manager API has not been used in project 123 before or it is disabled.\n- '@type': type.googleapis.com/google.rpc.ErrorInfo\n  reason: SERVICE_DISABLED",
    /has not been used in project/,
    /gcloud services enable secretmanager/,
  ],
  [
    "a perimeter",
    "ERROR: (gcloud.secrets.versions.access) PERMISSION_DENIED: Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: x\n  reason: SECURITY_POLICY_VIOLATED\n  VPC_SERVICE_CONTROLS",
    /prohibited by organization's policy/,
    /perimeter \(VPC Service Controls\)/,
  ],
  [
    "a disabled version",
    "ERROR: (gcloud.secrets.versions.access) FAILED_PRECONDITION: Secret Version [projects/1/secrets/x/versions/2] is in DISABLED state.",
    /is in DISABLED state/,
    /enable the newest version/,
  ],
  [
    "no such secret",
    "ERROR: (gcloud.secrets.versions.access) NOT_FOUND: Secret [projects/1/secrets/x] not found or has no versions.",
    /not found or has no versions/,
    /is not in project example-dev/,
  ],
  [
    "no network",
    "ERROR: gcloud crashed (TransportError): HTTPSConnectionPool(host='oauth2.googleapis.com', port=443): Max retries exceeded (Caused by NewConnectionError('Failed to establish a new connection'))",
    /Failed to establish a new connection/,
    /check the network, proxy or VPN/,
  ],
  [
    "a warning before the reason",
    `WARNING: Python 3.8 will be deprecated.\nUpdates are available.\n${denied}`,
    /PERMISSION_DENIED/,
    /monitoring:secretReaders/,
  ],
];

async function told(tool: string, words: string, hook = {}) {
  const machine = new Machine({ hook });
  try {
    machine.fake("gcloud", "exit 1");
    writeFileSync(join(machine.root, "words"), `${words}\n`);
    machine.fake(tool, `cat "${machine.root}/words" >&2; exit 1`);
    const start = await machine.run();
    const doctor = await machine.run(["doctor"]);
    return { start: start.stdout, doctor: doctor.stdout };
  } finally {
    machine.remove();
  }
}

describe.concurrent("of gcloud's answer the engineer reads the reason and what to do", () => {
  it.each(gcloud)("%s", async (_what, words, reason, remedy) => {
    const { start, doctor } = await told("gcloud", words, { onePasswordReference: "" });
    expect(JSON.parse(start).systemMessage).toMatch(reason);
    expect(doctor).toMatch(reason);
    expect(doctor).toMatch(remedy);
  });
});

const onePassword: [string, string, RegExp, RegExp][] = [
  [
    "not signed in",
    "[ERROR] 2026/11/25 09:00:00 You are not currently signed in. Please run `op signin --help` for instructions",
    /You are not currently signed in/,
    /→ op signin/,
  ],
  [
    "the app said no",
    "[ERROR] 2026/11/25 09:00:00 authorization prompt dismissed, please try again",
    /authorization prompt dismissed/,
    /→ op signin/,
  ],
  [
    "no such vault",
    '[ERROR] 2026/11/25 09:00:00 could not read secret: "Engineering" isn\'t a vault in this account. Specify the vault with its ID or name.',
    /isn't a vault in this account/,
    /ask for access to the vault/,
  ],
  [
    "no such field",
    '[ERROR] 2026/11/25 09:00:00 could not read secret: item "SigNoz" does not have a field "key"',
    /does not have a field/,
    /ask for access to the vault/,
  ],
  [
    "no app",
    "[ERROR] 2026/11/25 09:00:00 connecting to desktop app: cannot connect to 1Password app, make sure it is running",
    /cannot connect to 1Password app/,
    /desktop app/,
  ],
];

describe.concurrent("of op read's answer the same", () => {
  it.each(onePassword)("%s", async (_what, words, reason, remedy) => {
    const { start, doctor } = await told("op", words);
    expect(JSON.parse(start).systemMessage).toMatch(reason);
    expect(JSON.parse(start).systemMessage).not.toContain("2026/11/25");
    expect(doctor).toMatch(remedy);
  });
});

describe("a jq of before 1.6, as Debian 10 has it", () => {
  it("is told apart from settings that nobody can read", async () => {
    const machine = new Machine();
    try {
      machine.fake("gcloud", "echo key-1");
      machine.fake(
        "jq",
        `case $* in
  --version) echo jq-1.5-1-a5b5cbe; exit ;;
  *--rawfile*) echo "jq: Unknown option --rawfile" >&2; exit 2 ;;
  *'$ENV'*) echo "jq: error: ENV/0 is not defined at <top-level>, line 1:" >&2; exit 3 ;;
esac
exec ${which("jq")} "$@"`,
      );
      writeFileSync(machine.settings, '{"model": "opus"}\n');
      const start = await machine.run();
      expect(start.stdout).toContain("jq is too old (jq-1.5-1-a5b5cbe; the hook needs 1.6)");
      const doctor = (await machine.run(["doctor"])).stdout;
      expect(doctor).toMatch(/^fail jq +it is too old \(jq-1\.5.*\n.*jqlang\.org/m);
    } finally {
      machine.remove();
    }
  });
});

describe("a jq that cannot run", () => {
  it.each([
    ["is not for this computer", "echo 'jq: cannot execute binary file' >&2; exit 126"],
    [
      "misses a library",
      "echo 'jq: error while loading shared libraries: libonig.so.5' >&2; exit 127",
    ],
    ["prints nothing", "exit 0"],
  ])("%s, and settings.json is not blamed for it", async (_what, script) => {
    const machine = new Machine();
    try {
      machine.fake("gcloud", "echo key-1");
      machine.fake("jq", script);
      writeFileSync(machine.settings, '{"model": "opus"}\n');
      const start = await machine.run();
      expect(start.stdout).toContain("jq does not run");
      expect(start.stdout).not.toContain("JSON object");
      expect((await machine.run(["doctor"])).stdout).toMatch(/^fail jq +it does not run/m);
    } finally {
      machine.remove();
    }
  });
});
