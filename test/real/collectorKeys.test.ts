import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type Gate, gateName, OtlpClient, type Signal, startGate } from "./gate";
import { sample } from "./otlp";

const accepted = 0;
const unauthenticated = 16;
const unavailable = 14;
const signals: Signal[] = ["metrics", "logs", "traces"];

/** What a client may put into the header; undefined: no header. */
const headers = {
  missing: undefined,
  empty: "",
  wrong: "not-a-key-of-this-gate",
  "right in another scheme": "Bearer new-generation-key",
  "trailing blank": "new-generation-key ",
  "a line of two": "old-generation-key\nnew-generation-key",
  revoked: "revoked-generation-key",
  "old generation": "old-generation-key",
  right: "new-generation-key",
  "per-engineer": "first.last.5e3f0b61c2",
  "engineer without secret": "first.last.",
} as const;
type Case = keyof typeof headers;
const good: Case[] = ["old generation", "right", "per-engineer"];
const keysFile = "first.last.5e3f0b61c2\nold-generation-key\nnew-generation-key";

async function answers(gate: Gate, certificate: Gate["certificate"] | null = gate.certificate) {
  const client = new OtlpClient({ ...gate, certificate });
  const table: Record<string, number[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    // A header value with a line break never leaves an HTTP/2 client.
    if (value?.includes("\n")) continue;
    table[name] = [];
    for (const signal of signals)
      table[name].push(
        await client.send(
          signal,
          sample(signal),
          value === undefined ? {} : { "signoz-ingestion-key": value },
        ),
      );
  }
  client.close();
  return table;
}

const only = (allowed: Case[], other = unauthenticated) =>
  Object.fromEntries(
    (Object.keys(headers) as Case[])
      .filter((name) => !headers[name]?.includes("\n"))
      .map((name) => [name, signals.map(() => (allowed.includes(name) ? accepted : other))]),
  );

describe("who passes the gate", () => {
  let gate: Gate;
  beforeAll(async () => {
    gate = await startGate({ keys: keysFile });
  });
  afterAll(() => gate.stop());

  it("takes accepted keys over TLS, for every signal, and nothing else", async () => {
    expect(await answers(gate)).toEqual(only(good));
  });

  it("takes no key at all in plaintext", async () => {
    expect(await answers(gate, null)).toEqual(only([], unavailable));
  });

  it("takes the header's name in any case", async () => {
    const client = new OtlpClient(gate);
    expect(
      await client.send("logs", sample("logs"), { "Signoz-Ingestion-KEY": "new-generation-key" }),
    ).toBe(accepted);
    client.close();
  });

  it("offers no OTLP over HTTP", async () => {
    const status = await new Promise((resolve) => {
      const call = request(
        {
          host: gate.host,
          port: gate.port,
          servername: gateName,
          ca: gate.certificate.ca,
          method: "POST",
          path: "/v1/logs",
          headers: {
            "signoz-ingestion-key": "new-generation-key",
            "content-type": "application/x-protobuf",
          },
        },
        (answer) => resolve(answer.statusCode),
      );
      call.on("error", (error: NodeJS.ErrnoException) => resolve(error.code));
      call.end(sample("logs"));
    });
    expect(status).not.toBe(200);
  });

  it("lets nobody in by a name that is not on the certificate", () => {
    expect(probe(gate, "new-generation-key", "other.test")).toMatchObject({ status: 2 });
  });

  it("is seen by the probe as a client sees it", () => {
    expect(probe(gate, "new-generation-key").status).toBe(0);
    expect(probe(gate, "not-a-key-of-this-gate").status).toBe(1);
    expect(probe(gate, "").status).toBe(1);
  });

  it("writes no key into its log", () => {
    for (const key of ["not-a-key-of-this-gate", ...keysFile.split("\n")])
      expect(gate.log()).not.toContain(key);
  });
});

function probe(gate: Gate, key: string, name = gateName) {
  const script = join(__dirname, "../../infra/gate/probe.sh");
  return spawnSync("sh", [script, `${name}:${gate.port}`, join(gate.dir, "ca.pem"), gate.host], {
    input: key,
    encoding: "utf8",
  });
}

describe("the state of the keys file", () => {
  const withGate = async (keys: string | null, use: (gate: Gate) => Promise<void>) => {
    const gate = await startGate({ keys });
    try {
      await use(gate);
    } finally {
      await gate.stop();
    }
  };

  it("rewritten: the new keys count within a second, the removed ones no more, with no restart", () =>
    withGate("revoked-generation-key\nold-generation-key", async (gate) => {
      expect(await answers(gate)).toEqual(only(["revoked", "old generation"]));
      gate.setKeys(keysFile);
      await sleep(1000);
      expect(await answers(gate)).toEqual(only(good));
      expect(gate.exited()).toBe(false);
    }));

  it("deleted: whoever was accepted stays so, nobody else comes in", () =>
    withGate(keysFile, async (gate) => {
      rmSync(join(gate.dir, "keys"));
      await sleep(1000);
      expect(await answers(gate)).toEqual(only(good));
    }));

  it.each([
    ["emptied", ""],
    ["with a final newline", `${keysFile}\n`],
  ])(
    "%s: the extension takes the empty key, which is why startup.sh never writes such a file",
    (_, text) =>
      withGate(keysFile, async (gate) => {
        writeFileSync(join(gate.dir, "keys.new"), text);
        gate.setKeys(text);
        await sleep(1000);
        expect(await answers(gate)).toEqual(only(text === "" ? ["empty"] : [...good, "empty"]));
      }),
  );

  it("absent at the start: the first request would kill the collector", () =>
    withGate(null, async (gate) => {
      const client = new OtlpClient(gate);
      await client.send("logs", sample("logs"), { "signoz-ingestion-key": "any" });
      client.close();
      for (let waited = 0; waited < 3000 && !gate.exited(); waited += 50) await sleep(50);
      expect(gate.exited()).toBe(true);
    }));

  it.each(["keys", "tls.pem"])(
    "absent or empty at the start (%s): the shipped command does not start the collector",
    (file) => {
      const dir = execFileSync("mktemp", ["-d"], { encoding: "utf8" }).trim();
      const compose = parse(
        readFileSync(join(__dirname, "../../infra/vm/files/compose.yaml"), "utf8"),
        {
          merge: true,
        },
      );
      const command = String(compose.services.collector.command[0])
        .replaceAll("/run/gate", dir)
        .replaceAll("/signoz-otel-collector", `${dir}/stand-in`);
      const run = () => spawnSync("sh", ["-c", command], { encoding: "utf8" }).status;
      const started = () => spawnSync("test", ["-e", join(dir, "started")]).status === 0;
      writeFileSync(join(dir, "stand-in"), `#!/bin/sh\ntouch ${dir}/started`, { mode: 0o755 });
      for (const name of ["keys", "tls.pem"]) writeFileSync(join(dir, name), "present");
      rmSync(join(dir, file));
      expect([run(), started()]).toEqual([1, false]);
      writeFileSync(join(dir, file), "");
      expect([run(), started()]).toEqual([1, false]);
      writeFileSync(join(dir, file), "present");
      expect([run(), started()]).toEqual([0, true]);
      rmSync(dir, { recursive: true });
    },
  );
});
