import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { engineerOf, idOf } from "../../../infra/config/engineers";
import type { Machine } from "../../hooks/engineerMachine";
import { ageAttempt, machine } from "../../hooks/withKeys";
import { type Google, logIn } from "./login";

const personalKeySecret = "monitoring-signoz-ingestion-key-{engineer}-secret-dev";
const own = "alice@palindrom.example.0123456789";
const shared = "shared-key-1";

/** An engineer whose gcloud is logged in and answers with these secrets; the gate refuses what is in `refused`. */
function engineer(google: Google, hook = {}): Machine {
  const made = machine({ hook: { onePasswordReference: "", personalKeySecret, ...hook } });
  logIn(made, google);
  made.fake(
    "curl",
    `grep -qFf "${made.root}/refused" && echo grpc-status: 16 || echo grpc-status: 0`,
  );
  writeFileSync(join(made.root, "refused"), "no-such-key\n");
  return made;
}

const idOfOwn = "monitoring-signoz-ingestion-key-alice-secret-dev";
const idOfShared = "monitoring-signoz-ingestion-key-secret-dev";
const inUse = (made: Machine) => made.written().OTEL_EXPORTER_OTLP_HEADERS?.replace(/^.*=/, "");
const bySecret = { [idOfOwn]: own, [idOfShared]: shared };

describe("an engineer who is listed for a key of their own", () => {
  it("gets it at the first start, and status and doctor say whom the gate stamps", async () => {
    const alice = engineer({ secrets: bySecret });
    await alice.run([], { env: { PALINDROM_ENGINEER: "bob" } });
    expect(inUse(alice)).toBe(own);
    expect((await alice.run(["status"])).stdout).toMatch(
      /^Stamped as +alice@palindrom\.example, verified/m,
    );
    const doctor = (await alice.run(["doctor"])).stdout;
    expect(doctor).toMatch(
      /^pass gcloud +monitoring-signoz-ingestion-key-alice-secret-dev .*your own/m,
    );
    expect(doctor).toMatch(/^pass accepted .*records are stamped alice@palindrom\.example/m);
    expect(doctor).not.toContain("0123456789");
  });
  it("gets it before 1Password's, which is the shared one", async () => {
    const alice = engineer({ secrets: bySecret }, { onePasswordReference: "op://a/b/c" });
    alice.fake("op", `echo ${shared}`);
    await alice.run();
    expect(inUse(alice)).toBe(own);
  });
  it("gets a new one within a day, without a human", async () => {
    const alice = engineer({ secrets: bySecret });
    await alice.run();
    logIn(alice, { secrets: { ...bySecret, [idOfOwn]: `${own}-2` } });
    ageAttempt(alice);
    await alice.run();
    await alice.until(() => inUse(alice) === `${own}-2`);
  });
  it("gets it at once when the gate refuses the old one", async () => {
    const alice = engineer({ secrets: bySecret });
    await alice.run();
    await alice.settled();
    writeFileSync(join(alice.root, "refused"), `${own}"\n${own}\n`);
    logIn(alice, { secrets: { ...bySecret, [idOfOwn]: "alice@palindrom.example.another" } });
    writeFileSync(join(alice.state, "attempt"), alice.read("attempt").replaceAll(/^\d+$/gm, "1"));
    writeFileSync(join(alice.state, "gate"), "0\n\n");
    await alice.run();
    await alice.until(() => inUse(alice) === "alice@palindrom.example.another");
  });
  it.each([
    ["is gone", "ERROR: (gcloud) NOT_FOUND: Secret [x] not found"],
    ["is closed to them", "ERROR: (gcloud) PERMISSION_DENIED: Permission denied"],
    ["is disabled", "ERROR: (gcloud) FAILED_PRECONDITION: Secret Version is in DISABLED state"],
  ])("falls back to the shared one when theirs %s", async (_what, answer) => {
    const alice = engineer({ secrets: bySecret });
    await alice.run();
    logIn(alice, { secrets: { [idOfOwn]: answer, [idOfShared]: shared } });
    expect((await alice.run(["refresh"])).stdout).toContain("Key: from Secret Manager");
    expect(inUse(alice)).toBe(shared);
    expect((await alice.run(["status"])).stdout).toMatch(/^Stamped as .*not verified/m);
  });
  it("keeps theirs when Google only stumbles: the shared one would make every record unverified", async () => {
    const alice = engineer({ secrets: bySecret });
    await alice.run();
    logIn(alice, {
      secrets: { [idOfOwn]: "ERROR: (gcloud) UNAVAILABLE: try again", [idOfShared]: shared },
    });
    await alice.run(["refresh"]);
    expect(inUse(alice)).toBe(own);
  });
});

describe("an engineer who is not listed", () => {
  it("gets the shared one without a word about it", async () => {
    const bob = engineer({ account: "bob@palindrom.example", secrets: bySecret });
    expect((await bob.run()).stdout).not.toContain("own");
    expect(inUse(bob)).toBe(shared);
  });
  it.each(["nobody", "", "a b@c.example"])(
    "or whose account is %j gets it too",
    async (account) => {
      const bob = engineer({ account, secrets: bySecret });
      await bob.run();
      expect(inUse(bob)).toBe(shared);
    },
  );
});

describe("the id of one's own secret", () => {
  // The rule stands on both sides: here in shell, in infra/config/engineers.ts for what the stack makes.
  it.each([
    "alice@palindrom.example",
    "Alice@Palindrom.example",
    "dana.ops@palindrom.example",
    "a_b+c@palindrom.example",
    "x-1@palindrom.example",
    "o'neil@palindrom.example",
  ])("of %s is the one that the stack makes", async (account) => {
    const id = personalKeySecret.replace("{engineer}", idOf(engineerOf(account)));
    const someone = engineer({ account, secrets: { [id]: own, [idOfShared]: shared } });
    await someone.run();
    expect(inUse(someone)).toBe(own);
  });
  it("is asked for as CLOUDSDK_CORE_ACCOUNT says, should it say so", async () => {
    const alice = engineer({ account: "bob@palindrom.example", secrets: bySecret });
    await alice.run([], { env: { CLOUDSDK_CORE_ACCOUNT: "alice@palindrom.example" } });
    expect(inUse(alice)).toBe(own);
  });
  it("is asked of gcloud itself where its files do not tell", async () => {
    const alice = engineer({ secrets: bySecret });
    writeFileSync(join(alice.home, ".config/gcloud/active_config"), "elsewhere");
    writeFileSync(join(alice.root, "google/account"), "alice@palindrom.example");
    await alice.run();
    expect(inUse(alice)).toBe(own);
  });
});
