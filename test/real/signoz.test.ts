import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { renderContent } from "../../infra/signoz/content";
import type { ContentInput } from "../../infra/signoz/contentInput";
import { dataMountpoint, exporters, gate as gateMetrics } from "../../infra/signoz/names";
import { Signoz } from "../../scripts/verifyContent/signoz";
import { freePort } from "../../simulator/freePort";
import { encode } from "../../simulator/otlp";
import { fullInput } from "../../simulator/signoz/input";
import { Store } from "./clickhouse/store";
import { type Gate, OtlpClient, startGate } from "./gate";
import { attributes, nanoseconds, one } from "./requests";
import { SignozServer, signozBinary } from "./signoz";

const minute = 60_000;
const ownReceivers = ["otlp/self", "hostmetrics", "haproxy"];
const key = "shared-key";
const provisioning = join(__dirname, "../../infra/signoz/provisioning/provision.sh");

interface Notice {
  status: "firing" | "resolved";
  labels: Record<string, string>;
  annotations: Record<string, string>;
}
let store: Store;
let gate: Gate;
let signoz: SignozServer;
let client: OtlpClient;
let self: OtlpClient;
let hook: Server;
const notices: Notice[] = [];
const folder = mkdtempSync(join(tmpdir(), "content-"));

async function run(command: string, args: string[], env = {}) {
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => {
      said += chunk;
    });
  const status = await new Promise((resolve) => child.on("close", resolve));
  return { status, said };
}

async function start() {
  store = await Store.start();
  const selfPort = await freePort();
  const endpoint = `127.0.0.1:${selfPort}`;
  gate = await startGate({
    ...{ keys: key, storePort: store.port },
    override: {
      receivers: { "otlp/test": { protocols: { grpc: { endpoint } } } },
      service: { pipelines: { "metrics/self": { receivers: [...ownReceivers, "otlp/test"] } } },
    },
  });
  client = new OtlpClient(gate);
  self = new OtlpClient({ host: "127.0.0.1", port: selfPort, certificate: null });
  signoz = await SignozServer.start(store.port);
}
async function stop() {
  client?.close();
  self?.close();
  await signoz?.stop();
  await gate?.stop();
  await store?.stop();
}
afterAll(() => rmSync(folder, { recursive: true }));

/** The hour is noon there, so the day and the working hours are in full swing. */
const offset = 12 - new Date().getUTCHours();
const timezone = offset === 0 ? "UTC" : `Etc/GMT${offset > 0 ? "-" : "+"}${Math.abs(offset)}`;
const weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const input: ContentInput = {
  ...fullInput,
  ...{ timezone, silentHours: 1, hasSlack: false, hasWebhookToken: false, alertEmails: [] },
  workingDays: weekdays,
};
/** Half a week away. */
const quiet = { ...input, workingDays: [weekdays[(new Date().getUTCDay() + 3) % 7] as string] };

async function provision(content: ContentInput, started: string) {
  const file = (name: string, value: object) => {
    writeFileSync(join(folder, name), JSON.stringify(value), { mode: 0o600 });
    return join(folder, name);
  };
  const webhookUrl = `http://127.0.0.1:${(hook.address() as AddressInfo).port}`;
  const { status, said } = await run(
    provisioning,
    [
      file("content", renderContent(content)),
      ...[file("credentials", signoz.user), signoz.url, join(folder, "state")],
      file("secrets", { webhookUrl }),
    ],
    { SIGNOZ_STARTED: started },
  );
  expect(status, said).toBe(0);
}

/** A datapoint of the gate's own, as its collector would have sent it. */
const own = (
  name: string,
  labels: Record<string, string>,
  value: number,
  at: number,
  gauge = false,
) => {
  const point = {
    ...{ startTimeUnixNano: nanoseconds(at - 1000), timeUnixNano: nanoseconds(at) },
    ...{ asDouble: value, attributes: attributes(Object.entries(labels)) },
  };
  const record = gauge
    ? { name, gauge: { dataPoints: [point] } }
    : { name, sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints: [point] } };
  return self.send("metrics", encode("metrics", [{ scopes: [{ records: [record] }] }]));
};
const spend = (engineer: string, team: string, usd: number) => {
  const who: [string, string][] = [
    ["engineer", engineer],
    ["team", team],
  ];
  const point = { asDouble: usd, attributes: attributes([...who, ["model", "m"]]) };
  const group = one("metrics", {
    record: point,
    resource: [["service.name", "claude-code"], ...who],
  });
  return client.send("metrics", encode("metrics", [group]), { "signoz-ingestion-key": key });
};
const disk = (used: number, at: number) =>
  own(gateMetrics.diskUsed.name, { mountpoint: dataMountpoint, device: "sdb" }, used, at, true);

/** `alert severity who` of every notice so far that has this status, once each. */
const told = (status: Notice["status"]) =>
  [...new Set(notices.filter((notice) => notice.status === status).map(named))].sort();
const named = ({ labels }: Pick<Notice, "labels">) =>
  [labels.alertname, labels["threshold.name"], labels.engineer].filter(Boolean).join(" / ");

const daily = "Claude Code: daily spend of an engineer";
const silence = "[No data] Claude Code: no telemetry";
const firing = [
  `${daily} / critical / ada`,
  `${daily} / warning / grace`,
  `${daily} (research) / warning / linus`,
  "Gate: keys are refused / warning",
  "Gate: telemetry is lost / critical",
  "Storage: the data disk fills / critical",
].sort();
/** A rule looks every 5 minutes, a notice of what has changed waits for 5 more. */
const patient = { timeout: 12 * minute, interval: 2000 };

describe.skipIf(!signozBinary)("SigNoz itself (skipped without SIGNOZ_SERVER)", () => {
  describe("what rules tell", { timeout: 15 * minute }, () => {
    beforeAll(async () => {
      hook = createServer(async (request, response) => {
        let body = "";
        for await (const chunk of request) body += chunk;
        notices.push(...JSON.parse(body).alerts);
        response.end();
      }).listen(0, "127.0.0.1");
      await start();
      const now = Date.now();
      for (let ago = 15; ago >= 0; ago--) await disk(0.9, now - ago * minute);
      await own(
        gateMetrics.sendFailed.metrics.name,
        { exporter: exporters.metrics },
        7,
        now - 11 * minute,
      );
      for (let request = 0; request < 25; request++)
        await client.send("logs", encode("logs", [one("logs")]), { "signoz-ingestion-key": "old" });
      await spend("ada", "platform", 60);
      await spend("grace", "platform", 45);
      await spend("linus", "research", 100);
      await spend("dana", "platform", 5);
      await provision(quiet, "first");
    });
    afterAll(async () => {
      await stop();
      hook?.close();
    });
    const alerts = async () => {
      const api = new Signoz(signoz.url, signoz.user);
      await api.logIn();
      const { data } = await api.ask("GET", "/api/v1/alerts");
      return data as (Notice & { status: { state: string; inhibitedBy: string[] } })[];
    };

    it("fires to the webhook, the critical one in the place of its warning", async () => {
      await expect.poll(() => told("firing"), patient).toEqual(firing);
      const [notice] = notices.filter(({ labels }) => labels.engineer === "ada");
      expect(notice?.annotations.summary).toBe(
        "ada spent 60 USD today, of a daily budget of 50 USD",
      );
    });

    it("keeps quiet outside working hours about what has no data", async () => {
      const muted = async () =>
        (await alerts())
          .filter(({ labels }) => labels.nodata)
          .map((one) => [named(one), one.status.state]);
      await expect.poll(muted, patient).toEqual([[silence, "suppressed"]]);
      expect(told("firing").join()).not.toContain("No data");
    });

    it("tells within working hours that there is no data, after a restart that changes nothing else", async () => {
      await signoz.close();
      await signoz.open();
      for (let ago = 15; ago >= 0; ago--) await disk(0.9, Date.now() - ago * minute);
      await provision(input, "second");
      await expect.poll(() => told("firing"), patient).toEqual([silence, ...firing].sort());
      const silenced = async () =>
        (await alerts()).filter(({ status }) => status.inhibitedBy.length > 0).map(named);
      await expect.poll(silenced, patient).toEqual([`${daily} / warning / ada`]);
      // What SigNoz forgot at its restart it calls over by no notice.
      await expect
        .poll(async () => (await alerts()).map(named), patient)
        .toContain("Storage: the data disk fills / critical");
    });

    it("tells what is over", async () => {
      const log = encode("logs", [one("logs")]);
      expect(await client.send("logs", log, { "signoz-ingestion-key": key })).toBe(0);
      await disk(0.1, Date.now());
      const over = [silence, ...firing.filter((one) => one.includes("disk"))].sort();
      const resolved = () => told("resolved").filter((one) => over.includes(one));
      await expect.poll(resolved, patient).toEqual(over);
    });
  });

  describe("what it shows of a month", { timeout: 60 * minute }, () => {
    afterEach(stop);
    it.each([
      ["through the gate, under a shared key", () => `https://localhost:${gate.port}`],
      [
        "behind the front, with names that keys prove",
        () => `http://127.0.0.1:${gate.collectorPort}`,
      ],
    ])("is what was sent %s: npm run verify:content", async (_, address) => {
      await start();
      const { status, said } = await run(
        "npm",
        ["run", "verify:content", "--", signoz.url, "--gate", address()],
        {
          ...{ SIGNOZ_EMAIL: signoz.user.email, SIGNOZ_PASSWORD: signoz.user.password },
          ...{ GATE_KEY: key, GATE_CA_CERTIFICATE: gate.certificate.ca },
        },
      );
      console.log(said);
      expect(status).toBe(0);
    });
  });
});
