import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SecretVersions } from "../../infra/backend";
import { engineerOf, engineers, personalKey } from "../../infra/config/engineers";
import { Fault, type Kind } from "../../infra/config/fields";
import { groups } from "../../infra/config/settings";
import { machineSettings } from "../../infra/vm/delivery";
import { signozAlone, signozStore } from "../../infra/vm/stores";
import { fixtureSettings } from "../../simulator/program";
import { machineMissing } from "./machine/machine";
import { debian } from "./parts/debian";

/** Of a failing run: MONITORING_SEED=… repeats it. */
const seed = Number(process.env.MONITORING_SEED ?? Date.now() % 2 ** 31);
const runs = Number(process.env.MONITORING_RUNS ?? 800);
const delivered = (file: string) => join(__dirname, "../../infra/vm", file);
const here = (file: string) => join(__dirname, "lateFaults", file);
const dir = mkdtempSync(join(tmpdir(), "late-faults-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** What quoting, templates, shells and parsers stumble over. */
const odd = fc.constantFrom(
  ..."'\"\\$`#=%&!;|<>*~()[]{}@:/?.,+-_^ \té\u200b",
  "$HOME",
  "$" + "{X}",
  "$$",
  "\\n",
  "''",
  "--",
);
const letter = fc.constantFrom(..."abzAZ019");

type Edit = [place: number, how: "in" | "out" | "over" | "case", what: string];

function edited(text: string, [place, how, what]: Edit): string {
  const at = place % (text.length + 1);
  const [before, one, after] = [text.slice(0, at), text.slice(at, at + 1), text.slice(at + 1)];
  switch (how) {
    case "in":
      return before + what + one + after;
    case "out":
      return before + after;
    case "over":
      return before + what + after;
    case "case":
      return before + (one === one.toLowerCase() ? one.toUpperCase() : one.toLowerCase()) + after;
  }
}

/** A value that is right, with some of its characters taken out, put in, replaced or in another case; or none of that. */
const near = (values: string[]) =>
  fc
    .tuple(
      fc.constantFrom(...values),
      fc.array(
        fc.tuple(
          fc.nat(80),
          fc.constantFrom("in", "out", "over", "case"),
          fc.oneof(odd, letter),
        ) as fc.Arbitrary<Edit>,
        { maxLength: 3 },
      ),
    )
    .map(([value, edits]) => edits.reduce(edited, value));
const free = fc.array(fc.oneof(odd, letter), { maxLength: 12 }).map((parts) => parts.join(""));

function accepted<T>(kind: Kind<T>, values: string[]): { tried: number; taken: string[] } {
  const tried = fc.sample(fc.oneof({ weight: 4, arbitrary: near(values) }, free), {
    numRuns: runs,
    seed,
  });
  const taken = new Set<string>();
  for (const text of tried) {
    try {
      kind.read(text);
      taken.add(text);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
  }
  return { tried: tried.length, taken: [...taken] };
}

/** Kind of a list's entries: the list of one value reads it. */
const entryOf = (kind: Kind<unknown>): Kind<unknown> => ({
  ...kind,
  read: (text) => kind.read(JSON.stringify([text])),
});

const { alerts, signoz, gate } = groups;
const counted: Record<string, string> = {};
const count = (what: string, tried: number, taken: number, late: string[]) => {
  counted[what] = `${tried} tried, ${taken} accepted, ${late.length} refused late`;
  expect(taken, `${what}: nothing was accepted`).toBeGreaterThan(0);
  expect(late, `${what}, seed ${seed}`).toEqual([]);
};
afterAll(() => console.log(JSON.stringify({ seed, ...counted }, null, 2)));

const hasGo = (() => {
  try {
    execFileSync("go", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!hasGo)(`by Go's own readers${hasGo ? "" : " (needs go)"}`, () => {
  const judge = join(dir, "judge");
  const takes = (as: string, texts: string[]): boolean[] => {
    const input = texts.map((text) => `${JSON.stringify({ as, text })}\n`).join("");
    // A folder without a system's zones or Go's own: what is left is what the binary carries.
    const env = { PATH: "/nowhere", GOROOT: "/nowhere", ZONEINFO: "" };
    const said = execFileSync(judge, { input, env, encoding: "utf8", maxBuffer: 1e8 });
    return said
      .trimEnd()
      .split("\n")
      .map((line) => line === "1");
  };

  beforeAll(() => {
    execFileSync("go", ["build", "-o", judge, here("judge.go")], {
      env: { ...process.env, CGO_ENABLED: "0", GOFLAGS: "", GO111MODULE: "off" },
    });
  }, 300_000);

  it.each<[string, string, Kind<unknown>, string[]]>([
    [
      "timezone",
      "timezone",
      alerts.timezone.kind,
      ["Europe/Berlin", "America/Port-au-Prince", "UTC"],
    ],
    [
      "adminEmail",
      "email",
      signoz.adminEmail.kind,
      ["dana@palindrom.example", "a.b+c@x-y.example"],
    ],
    ["alertEmails", "email", entryOf(alerts.alertEmails.kind), ["lead@palindrom.example"]],
    ["smtpFrom", "email", alerts.smtpFrom.kind, ["signoz@palindrom.example"]],
    ["signozUrl", "url", signoz.signozUrl.kind, ["http://localhost:8080", "https://s.example"]],
    ["smtpHost", "hostAndPort", alerts.smtpHost.kind, ["smtp.palindrom.example:587"]],
    ["allowedSources", "cidr", entryOf(gate.allowedSources.kind), ["10.0.0.0/8", "203.0.113.7/32"]],
    [
      "alertWebhookUrl",
      "url",
      alerts.alertWebhookUrl.kind,
      ["https://hooks.example/in?token=a&b=%20c", "http://10.0.0.1:9093/api"],
    ],
  ])("%s: what the config takes is taken", (what, as, kind, values) => {
    const { tried, taken } = accepted(kind, values);
    // An empty value leaves the thing out, and nobody reads it.
    const texts = taken.filter((text) => text !== "");
    const verdicts = takes(as, texts);
    count(
      what,
      tried,
      texts.length,
      texts.filter((_, index) => !verdicts[index]),
    );
  });

  it("knows every time zone that Go knows, and no other", () => {
    const names = readFileSync(join(__dirname, "../../infra/config/timezones.txt"), "utf8");
    const all = names.trimEnd().split("\n");
    const cases = all.flatMap((name) => [name, name.toLowerCase(), name.toUpperCase()]);
    const ours = new Set(all);
    const verdicts = takes("timezone", cases);
    // Go takes UTC by name before it looks anything up, in this one case only.
    expect(cases.filter((name, index) => verdicts[index] !== ours.has(name))).toEqual([]);
  });
});

const missing = machineMissing();
describe.skipIf(missing)(`on the machine${missing && ` (${missing})`}`, () => {
  let userland: string;
  beforeAll(async () => {
    userland = await debian();
  });

  it("an env file gives a container exactly the value, whatever is in it", () => {
    const kinds: [string, Kind<unknown>, string[]][] = [
      ["org", engineers.org.kind, ["palindrom", "A & B".replace("&", "-")]],
      ["adminEmail", signoz.adminEmail.kind, ["dana@palindrom.example", "a$b'c@x.example"]],
      ["signozUrl", signoz.signozUrl.kind, ["http://localhost:8080"]],
      ["smtpHost", alerts.smtpHost.kind, ["smtp.palindrom.example:587"]],
      ["smtpFrom", alerts.smtpFrom.kind, ["o'brien@palindrom.example"]],
      ["smtpUser", alerts.smtpUser.kind, ["alerts", "DOMAIN\\user", "$user'"]],
      [
        "smtpPassword",
        alerts.smtpPassword.kind,
        ["correct-horse", "'quoted'", "ends in \\", "$a$" + "{b}"],
      ],
      ["signozVersion", signoz.signozVersion.kind, [`v0.138.0@sha256:${"a".repeat(64)}`]],
    ];
    const values = kinds.flatMap(([what, kind, seeds]) => {
      const { tried, taken } = accepted(kind, seeds);
      return taken.filter((text) => text !== "").map((text) => ({ what, text, tried }));
    });
    const input = values.map(({ text }) => `${text}\n`).join("");
    const env = execFileSync("bash", [here("envLines.sh"), delivered("files")], {
      input,
      encoding: "utf8",
      maxBuffer: 1e8,
    });
    writeFileSync(join(dir, "values.env"), env);
    const variables = values
      .map((_, index) => `      I${index + 1}: "\${V${index + 1}?}"\n`)
      .join("");
    writeFileSync(
      join(dir, "compose.yaml"),
      `services:\n  one:\n    image: one\n    env_file: [values.env]\n    environment:\n${variables}`,
    );
    const config = execFileSync(
      "unshare",
      [
        "--mount",
        "sh",
        "-c",
        'mount --bind "$2" "$1/mnt" && exec chroot "$1" docker compose --project-directory /mnt --env-file /mnt/values.env config --format json',
        "sh",
        userland,
        dir,
      ],
      { encoding: "utf8", maxBuffer: 1e8 },
    );
    const got: Record<string, string> = JSON.parse(config).services.one.environment;
    // `config` prints what compose would read again: a $ is doubled.
    const once = (text: string | undefined) => text?.replaceAll("$$", () => "$");
    for (const what of new Set(values.map((value) => value.what))) {
      const own = values
        .map((value, index) => ({ ...value, index }))
        .filter((it) => it.what === what);
      const late = own.filter(
        ({ text, index }) =>
          once(got[`V${index + 1}`]) !== text || once(got[`I${index + 1}`]) !== text,
      );
      count(
        `${what} in an env file`,
        own[0]?.tried ?? 0,
        own.length,
        late.map(({ text }) => text),
      );
    }
  });

  it("its check takes every settings file that the program writes, and none with a part missing", () => {
    const pick = (kind: Kind<unknown>, seeds: string[]) => accepted(kind, seeds).taken;
    // None at all is refused where the backend needs one (infra/config/backends.ts).
    const emails = pick(signoz.adminEmail.kind, [
      "dana@palindrom.example",
      "a$b'c@x.example",
    ]).filter(Boolean);
    const users = pick(alerts.smtpUser.kind, ["alerts", "DOMAIN\\user"]);
    const hosts = pick(alerts.smtpHost.kind, ["smtp.palindrom.example:587"]);
    const version = (what: string) => `projects/p/secrets/monitoring-${what}-secret-dev/versions/1`;
    const secrets: SecretVersions = {
      ingestionKeys: [],
      engineerKeys: [version("probe")],
      tls: version("tls"),
      signozAdmin: version("signoz-admin"),
      clickhouse: version("clickhouse"),
      alerts: version("alerts"),
    };
    const base = fixtureSettings();
    const made = emails.slice(0, 300).map((adminEmail, index) => ({
      ...base,
      signoz: { ...base.signoz, adminEmail },
      alerts: {
        ...base.alerts,
        smtpHost: hosts[index % hosts.length] || undefined,
        smtpFrom: adminEmail,
        smtpUser: users[index % users.length] || undefined,
      },
    }));
    const written = made.map((settings) =>
      machineSettings(settings, "gate.example", secrets, signozStore),
    );
    const check = (all: object[]) =>
      execFileSync("bash", [here("checkSettings.sh"), delivered("files")], {
        input: all.map((one) => `${JSON.stringify(one)}\n`).join(""),
        encoding: "utf8",
      })
        .split("\n")
        .filter(Boolean);
    count("monitoring-settings", written.length, written.length, check(written));
    const whole = written.find(({ smtp }) => smtp !== null) as object;
    // Absent alerts are no alerts; the others the machine cannot do without.
    const needed = ["host", "org", "adminEmail", "images", "dataDeviceName", "signozUrl"];
    const lacking = needed.map((key) => ({ ...whole, [key]: undefined }));
    expect(check(lacking)).toEqual(
      needed.map((key) => expect.stringMatching(new RegExp(`: ${key}$`))),
    );
    const alone = machineSettings(base, "gate.example", secrets, signozAlone, {
      clickhouseHost: "10.90.0.5",
    });
    const faulty: [string, object][] = [
      ["clickhouseHost", { clickhouseHost: undefined }],
      ["clickhouseHost", { clickhouseHost: "clickhouse.example" }],
      ["parts", { parts: [] }],
      ["parts", { parts: ["signoz", "keeper"] }],
      ["images", { images: {} }],
      ["secrets.signozAdmin", { secrets: {} }],
    ];
    expect(check([{ ...whole, clickhouseHost: "10.90.0.5" }, alone])).toEqual([]);
    expect(check(faulty.map(([, change]) => ({ ...alone, ...change })))).toEqual(
      faulty.map(([key]) => expect.stringContaining(`malformed: ${key}`)),
    );
  });

  it("a personal key passes the machine's check of keys", () => {
    const kind = entryOf(engineers.personalKeyEmails.kind);
    const { tried, taken } = accepted(kind, [
      "dana.scully@palindrom.example",
      "d_x+y-z@a.example/2026-12",
    ]);
    const keys = taken.map(
      (address) => `${engineerOf(personalKey(address).address)}.${"k".repeat(40)}`,
    );
    const refused = execFileSync("bash", [here("checkKeys.sh"), delivered("../gate")], {
      input: keys.map((key) => `${key}\n`).join(""),
      encoding: "utf8",
    });
    count("personalKeyEmails", tried, keys.length, refused.split("\n").filter(Boolean));
  });
});
