import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { issueCertificate } from "../../simulator/certificate";
import { signals } from "../../simulator/otlp";
import { textsOf } from "../../simulator/texts";
import { type Gate, gateName, OtlpClient, startGate } from "./gate";
import { startGoClient } from "./goClient";
import { sample } from "./otlp";
import { haproxy, type Suite, versionOf } from "./parts/haproxy";
import { countedBy } from "./statistics";

const accepted = 0;
const unauthenticated = 16;
const unavailable = 14;
const infra = (name: string) => join(__dirname, "../../infra/gate", name);

/** What a client may put into the header; undefined: no header; a list: the header that often. */
const headers: Record<string, string | string[] | undefined> = {
  missing: undefined,
  empty: "",
  blank: " ",
  wrong: "not-a-key-of-this-gate",
  "right in another scheme": "Bearer new-generation-key",
  // HTTP takes no blank at an end for a part of the value (RFC 9110, 5.5).
  "right with blanks around": " new-generation-key ",
  "in another case": "NEW-generation-key",
  "part of one": "new-generation",
  "one and more": "new-generation-key0",
  "two by a comma": "new-generation-key,new-generation-key",
  "twice, right first": ["new-generation-key", "wrong-key-0123456789"],
  "twice, right last": ["wrong-key-0123456789", "new-generation-key"],
  "twice the same": ["new-generation-key", "new-generation-key"],
  "a line of the file": "first.last.5e3f0b61c2 first.last",
  revoked: "revoked-generation-key",
  "old generation": "old-generation-key",
  right: "new-generation-key",
  "per-engineer": "first.last.5e3f0b61c2",
  "engineer without secret": "first.last.",
  "owner of shared keys": "-",
};
const good = ["right with blanks around", "old generation", "right", "per-engineer"];
const keys = "first.last.5e3f0b61c2\nold-generation-key\nnew-generation-key";

async function answers(gate: Gate, certificate: Gate["certificate"] | null = gate.certificate) {
  const client = new OtlpClient({ ...gate, certificate });
  const table: Record<string, number[]> = {};
  for (const [name, value] of Object.entries(headers)) {
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

const only = (allowed: string[], other = unauthenticated) =>
  Object.fromEntries(
    Object.keys(headers).map((name) => [
      name,
      signals.map(() => (allowed.includes(name) ? accepted : other)),
    ]),
  );

describe("who passes the gate", () => {
  let gate: Gate;
  beforeAll(async () => {
    gate = await startGate({ keys });
  });
  afterAll(() => gate.stop());

  const send = async (fields: Record<string, string | string[]>) => {
    const client = new OtlpClient(gate);
    try {
      return await Promise.all(
        signals.map((signal) => client.send(signal, sample(signal), fields)),
      );
    } finally {
      client.close();
    }
  };
  const field = (name: string): Parameters<typeof send>[0] => {
    const value = headers[name];
    return value === undefined ? {} : { "signoz-ingestion-key": value };
  };

  it.each(good)("%s: a key that is taken over TLS, for every signal", async (name) => {
    expect(await send(field(name))).toEqual(signals.map(() => accepted));
  });

  it.each(Object.keys(headers).filter((name) => !good.includes(name)))(
    "%s: a key that is none",
    { tags: "attack/keys" },
    async (name) => {
      expect(await send(field(name))).toEqual(signals.map(() => unauthenticated));
    },
  );

  it.each([
    ["authorization", "Bearer new-generation-key"],
    ["proxy-authorization", "new-generation-key"],
    ["signoz-access-token", "new-generation-key"],
    ["signoz_ingestion_key", "new-generation-key"],
    ["x-signoz-ingestion-key", "new-generation-key"],
    ["cookie", "signoz-ingestion-key=new-generation-key"],
    ["x-monitoring-owner", "first.last"],
  ])("a right key by another header is none: %s", { tags: "attack/keys" }, async (name, value) => {
    expect(await send({ [name]: value })).toEqual(signals.map(() => unauthenticated));
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
    for (const key of ["not-a-key-of-this-gate", ...keys.split("\n")])
      expect(gate.log()).not.toContain(key);
  });
});

function probe(gate: Gate, key: string, name = gateName) {
  return spawnSync(
    "sh",
    [infra("probe.sh"), `${name}:${gate.port}`, join(gate.dir, "ca.pem"), gate.host],
    { input: key, encoding: "utf8" },
  );
}

describe("a change of keys", () => {
  let gate: Gate;
  beforeAll(async () => {
    gate = await startGate({ keys: "revoked-generation-key\nold-generation-key" });
  });
  afterAll(() => gate.stop());
  const apply = () =>
    spawnSync(infra("front-apply.sh"), [gate.dir, join(gate.dir, "admin.sock")], {
      encoding: "utf8",
    });
  const before = ["revoked", "old generation"];

  it("counts at once, on an established connection too, with no restart", async () => {
    const client = new OtlpClient(gate);
    const send = (key: string) =>
      client.send("metrics", sample("metrics"), { "signoz-ingestion-key": key });
    expect([await send("revoked-generation-key"), await send("new-generation-key")]).toEqual([
      accepted,
      unauthenticated,
    ]);
    const { pid } = gate;
    gate.setKeys(keys);
    expect([await send("revoked-generation-key"), await send("new-generation-key")]).toEqual([
      unauthenticated,
      accepted,
    ]);
    client.close();
    expect(await answers(gate)).toEqual(only(good));
    expect([gate.pid, gate.exited()]).toEqual([pid, false]);
  });

  it("is what a new start reads as well", async () => {
    gate.setKeys(keys);
    await gate.restartFront();
    expect(await answers(gate)).toEqual(only(good));
  });

  it("takes hold with thousands of personal keys", async () => {
    const many = Array.from({ length: 5000 }, (_, i) => `engineer-${i}.0123456789abcdef`);
    gate.setKeys([...many, keys].join("\n"));
    const client = new OtlpClient(gate);
    for (const key of [many[0], many[2500], many[4999], "new-generation-key"])
      expect(
        await client.send("logs", sample("logs"), { "signoz-ingestion-key": key as string }),
      ).toBe(accepted);
    client.close();
  });

  // What a machine may find on its disk after a fault; none of it may shut a key out or let one in.
  it.each([
    ["absent", null],
    ["empty", ""],
    ["a key without its owner", "revoked-generation-key -\nold-generation-key\n"],
  ])("of a file that is %s: is refused, and those in force stay", async (_, text) => {
    gate.setKeys("revoked-generation-key\nold-generation-key");
    if (text === null) spawnSync("rm", [join(gate.dir, "keys.map")]);
    else writeFileSync(join(gate.dir, "keys.map"), text);
    const { status, stderr } = apply();
    expect([status, stderr]).toEqual([1, expect.stringMatching(/keys in force stay\n$/)]);
    expect(stderr).not.toMatch(/revoked-generation-key|old-generation-key/);
    expect(await answers(gate)).toEqual(only(before));
  });

  it.each([
    ["blank lines", "\n\nrevoked-generation-key -\n\nold-generation-key -\n\n"],
    ["a line of nothing but an owner", "revoked-generation-key -\nold-generation-key -\n -\n"],
    ["a comment", "# - -\nrevoked-generation-key -\nold-generation-key -\n"],
    ["line ends of DOS", "revoked-generation-key -\r\nold-generation-key -\r\n\r\n"],
    ["no final newline", "revoked-generation-key -\nold-generation-key -"],
  ])("by hand with %s: never takes the empty key", async (_, text) => {
    writeFileSync(join(gate.dir, "keys.map"), text);
    const start = spawnSync(await haproxy(), ["-c", "-f", infra("haproxy.cfg")], {
      env: { ...process.env, GATE_DIR: gate.dir, GATE_SOCKET: join(gate.dir, "other.sock") },
      encoding: "utf8",
    });
    if (start.status === 0) await gate.restartFront();
    apply();
    const table = await answers(gate);
    for (const name of ["missing", "empty", "blank", "owner of shared keys"])
      expect([name, table[name]]).toEqual([name, signals.map(() => unauthenticated)]);
    gate.setKeys(keys);
  });
});

describe("the gRPC of Go", () => {
  it("meets the same gate: right, wrong and personal keys of every signal, through a rotation", async () => {
    const gate = await startGate({ keys: "old-generation-key\nfirst.last.5e3f0b61c2" });
    const names = ["old-generation-key", "new-generation-key", "first.last.5e3f0b61c2", "wrong"];
    const clients = await Promise.all(names.map((key) => startGoClient(gate, key)));
    const answers = () =>
      Promise.all(
        clients.map((client) => Promise.all(signals.map((one) => client.send(one, sample(one))))),
      );
    const each = (...codes: number[]) => codes.map((code) => signals.map(() => code));
    try {
      expect(await answers()).toEqual(each(accepted, unauthenticated, accepted, unauthenticated));
      gate.setKeys("old-generation-key\nnew-generation-key\nfirst.last.5e3f0b61c2");
      expect(await answers()).toEqual(each(accepted, accepted, accepted, unauthenticated));
      gate.setKeys("new-generation-key\nfirst.last.5e3f0b61c2");
      expect(await answers()).toEqual(each(unauthenticated, accepted, accepted, unauthenticated));
      await gate.restartFront();
      await expect
        .poll(answers, { timeout: 10_000, interval: 500 })
        .toEqual(each(unauthenticated, accepted, accepted, unauthenticated));
      expect(textsOf(gate.received())).toContain("first.last");
    } finally {
      await Promise.all(clients.map((client) => client.stop()));
      await gate.stop();
    }
  }, 60_000);

  it("packs by default, of which one at a time is let in: by its own queue and retries all arrives", async () => {
    const gate = await startGate({ keys });
    const client = await startGoClient(gate, "new-generation-key", {});
    try {
      for (let round = 0; round < 5; round++)
        await Promise.all(signals.map((one) => client.send(one, sample(one))));
      const arrived = () => gate.received().length;
      await expect.poll(arrived, { timeout: 40_000, interval: 500 }).toBe(15);
    } finally {
      await client.stop();
      await gate.stop();
    }
  }, 60_000);
});

describe("keys-map.sh", () => {
  const map = (input: string) => spawnSync(infra("keys-map.sh"), { input, encoding: "utf8" });

  it("names the owner: all before the last dot, `-` without one", () => {
    expect(map("first.last.5e3f0b61c2\nshared-key\na@b.c.0123456789\n").stdout).toBe(
      "first.last.5e3f0b61c2 first.last\nshared-key -\na@b.c.0123456789 a@b.c\n",
    );
  });

  it.each([
    ["nothing", ""],
    ["a blank line", "shared-key\n\n"],
    ["a short key", "seven-7\n"],
    ["two keys", "shared-key other-key\n"],
    ["a comment", "# shared-key\n"],
    ["a dash in front, which would be the owner of shared keys", "-.0123456789\n"],
    ["a dot in front, which would be an empty owner", ".0123456789\n"],
    ["a line end of DOS", "shared-key\r\n"],
    ["a NUL", "shared\0-key\n"],
    ["a letter beyond ASCII", "zoë.0123456789\n"],
  ])("refuses %s, and says so without the key", { tags: "attack/keys" }, (_, input) => {
    const { status, stderr } = map(input);
    expect(status).toBe(1);
    expect(stderr).toMatch(/not an ingestion key|no ingestion key/);
    expect(stderr).not.toMatch(/shared|0123456789|seven/);
  });
});

describe("a change of the certificate", () => {
  let gate: Gate;
  beforeAll(async () => {
    gate = await startGate({ keys });
  });
  afterAll(() => gate.stop());

  it("meets new connections only, and a new start; without a final newline, as Secret Manager gives it", async () => {
    const send = (client: OtlpClient) =>
      client.send("metrics", sample("metrics"), { "signoz-ingestion-key": "new-generation-key" });
    const established = new OtlpClient(gate);
    expect(await send(established)).toBe(accepted);
    const renewed = await issueCertificate([gateName, "localhost"]);
    gate.setCertificate({ ...renewed, pem: renewed.pem.trimEnd() });
    expect(await send(established)).toBe(accepted);
    const trusting = (certificate: typeof renewed) => new OtlpClient({ ...gate, certificate });
    expect(await send(trusting(renewed))).toBe(accepted);
    expect(await send(trusting(gate.certificate))).toBe(unavailable);
    await gate.restartFront();
    expect(await send(trusting(renewed))).toBe(accepted);
    established.close();
  });

  it.each([
    ["torn", (pem: string) => pem.slice(0, pem.length / 3)],
    ["without its key", (pem: string) => pem.slice(0, pem.indexOf("-----BEGIN PRIVATE"))],
    ["empty", () => ""],
  ])("that is %s is refused, and the one in force stays", async (_, spoil) => {
    const pem = readFileSync(join(gate.dir, "tls.pem"), "utf8");
    const ca = readFileSync(join(gate.dir, "ca.pem"), "utf8");
    expect(() => gate.setCertificate({ pem: spoil(pem), ca })).toThrow(
      "certificate in force stays",
    );
    const client = new OtlpClient({ ...gate, certificate: { pem, ca } });
    expect(
      await client.send("metrics", sample("metrics"), {
        "signoz-ingestion-key": "new-generation-key",
      }),
    ).toBe(accepted);
    client.close();
    gate.setCertificate({ pem, ca });
  });
});

const startNodeClient: typeof startGoClient = async (gate) => {
  const client = new OtlpClient(gate);
  return { send: (...args) => client.send(...args), stop: async () => client.close() };
};

describe("haproxy.cfg", () => {
  it.each<[Suite]>([["testing"], ["trixie"]])(
    "is taken by Debian %s's, and serves",
    async (suite) => {
      const frontBinary = await haproxy(suite);
      const gate = await startGate({ keys, frontBinary });
      expect(await answers(gate)).toEqual(only(good));
      console.log(`front: HAProxy ${versionOf(frontBinary)}`);
      expect(gate.log()).not.toMatch(/WARNING|ALERT/);
      await gate.stop();
    },
  );

  // Eight at once, since more than one may be under way when the connection ends.
  it.each<[Suite, string, typeof startGoClient]>(
    (["testing", "trixie"] as const).flatMap((suite) => [
      [suite, "Node's", startNodeClient],
      [suite, "Go's", startGoClient],
    ]),
  )(
    "of Debian %s sends %s gRPC to a new connection again and again, and loses nothing",
    async (suite, _, start) => {
      const gate = await startGate({ keys, frontBinary: await haproxy(suite) });
      const client = await start(gate, "new-generation-key");
      const before = await countedBy(gate, "conn_tot");
      const send = async () => {
        const codes: number[] = [];
        for (let sent = 0; sent < 60; sent++)
          codes.push(
            await client.send("logs", sample("logs"), {
              "signoz-ingestion-key": "new-generation-key",
            }),
          );
        return codes;
      };
      const codes = (await Promise.all(Array.from({ length: 8 }, send))).flat();
      expect(codes).toEqual(codes.map(() => accepted));
      expect((await countedBy(gate, "conn_tot")) - before).toBeGreaterThanOrEqual(3);
      await client.stop();
      await gate.stop();
    },
  );
});
