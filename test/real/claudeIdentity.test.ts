import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { HookValues } from "../../hooks/render";
import { ageAttempt } from "../hooks/withKeys";
import { Engineer } from "./engineer";
import { type Gate, startGate } from "./gate";
import { logIn } from "./hooks/login";
import { type MessagesApi, startMessagesApi } from "./messagesApi";
import { claude } from "./parts/claude";

const shared = "shared-key-0001";
const own = (turn: number) => `alice@palindrom.example.000000000${turn}`;
const secret = {
  own: "monitoring-signoz-ingestion-key-alice-secret-dev",
  shared: "monitoring-signoz-ingestion-key-secret-dev",
};

let api: MessagesApi;
let gate: Gate;
beforeAll(async () => {
  await claude();
  api = await startMessagesApi();
  gate = await startGate({ keys: [shared, own(1)].join("\n") });
});
afterAll(async () => {
  await gate?.stop();
  api?.close();
});

const engineers: Engineer[] = [];
afterEach(() => {
  for (const made of engineers.splice(0)) made.remove();
});

function engineer(hook: Partial<HookValues> = {}): Engineer {
  const made = new Engineer(api.url, {
    hook: {
      endpointUrl: `https://localhost:${gate.port}`,
      caCertificate: gate.certificate.ca,
      onePasswordReference: "",
      personalKeySecret: "monitoring-signoz-ingestion-key-{engineer}-secret-dev",
      ...hook,
    },
  });
  engineers.push(made);
  return made;
}

/** Whom every record of the requests since `before` is from, as it was stored. */
async function stamps(before: number): Promise<string[]> {
  await sleep(300); // the file exporter flushes every 20 ms
  const of = (attributes: { key: string; value: { stringValue?: string } }[]) => {
    const named = Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue]));
    return `${named.engineer}, verified ${named["engineer.verified"]}`;
  };
  const requests = gate.received().slice(before);
  return [
    ...new Set(
      requests
        .flatMap((request) => Object.values(request).flat())
        .map((entry) => of(entry.resource.attributes)),
    ),
  ].sort();
}

async function session(made: Engineer, env: Record<string, string> = {}): Promise<string[]> {
  const before = gate.received().length;
  const ran = await made.session("hello", { env });
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  return stamps(before);
}

const header = (key: string) => `signoz-ingestion-key=${key}`;
const hasKey = (made: Engineer, key: string) => () =>
  made.written().OTEL_EXPORTER_OTLP_HEADERS === header(key);

describe("a key of one's own", () => {
  const claim = { PALINDROM_ENGINEER: "bob@palindrom.example" };
  const say = (step: string, who: string[]) => console.log(`${step}: ${who.join("; ") || "none"}`);

  it("is fetched, stamps alice though she claims to be bob, is rotated and removed, without a human", {
    tags: "attack/identity",
  }, async () => {
    const alice = engineer();
    logIn(alice, { secrets: { [secret.own]: own(1), [secret.shared]: shared } });
    expect(await session(alice, claim)).toEqual([]);
    expect(hasKey(alice, own(1))()).toBe(true);
    const verified = ["alice@palindrom.example, verified true"];
    const listed = await session(alice, claim);
    say("listed, claims to be bob", listed);
    expect(listed).toEqual(verified);
    expect((await alice.run(["status"])).stdout).toMatch(
      /^Stamped as +alice@palindrom\.example, verified/m,
    );

    // Both keys are taken while everybody fetches the new one; then the old one is refused.
    gate.setKeys([shared, own(1), own(2)].join("\n"));
    logIn(alice, { secrets: { [secret.own]: own(2), [secret.shared]: shared } });
    ageAttempt(alice);
    const meanwhile = await session(alice, claim);
    await alice.until(hasKey(alice, own(2)));
    gate.setKeys([shared, own(2)].join("\n"));
    const rotated = await session(alice, claim);
    say("rotated, during and after", [...meanwhile, ...rotated]);
    expect([meanwhile, rotated]).toEqual([verified, verified]);

    gate.setKeys(shared);
    logIn(alice, { secrets: { [secret.shared]: shared } });
    ageAttempt(alice);
    const refused = await session(alice, claim);
    expect(refused).toEqual([]);
    await alice.until(hasKey(alice, shared));
    const removed = await session(alice, claim);
    say("removed, after one refused session", removed);
    expect(removed).toEqual(["bob_at_palindrom.example, verified false"]);
  });
});

describe("a home that lives for one session", () => {
  beforeAll(() => gate.setKeys([shared, own(1)].join("\n")));
  const entryPoint = async (made: Engineer, env: Record<string, string> = {}) => {
    const ran = await made.run(["refresh"], { env: { ...made.env, ...env } });
    expect(ran.code).toBe(0);
    return session(made, env);
  };

  it.each([
    ["the key as a secret of the container", { SIGNOZ_KEY: shared }, {}, "carol, verified false"],
    ["gcloud's login", {}, { [secret.shared]: shared }, "carol, verified false"],
    [
      "gcloud's login of somebody with a key of their own",
      {},
      { [secret.own]: own(1) },
      "alice@palindrom.example, verified true",
    ],
  ])("reports from its first session with %s", async (_what, env, secrets, from) => {
    for (const _container of ["first", "second"]) {
      const made = engineer();
      logIn(made, { secrets: secrets as Record<string, string> });
      const who = { PALINDROM_ENGINEER: "carol" };
      expect(await entryPoint(made, { ...env, ...who } as Record<string, string>)).toEqual([from]);
    }
  });
});
