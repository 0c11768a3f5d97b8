import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../simulator/freePort";
import { haproxy, type Suite } from "./parts/haproxy";
import { issuer, startSender } from "./signozCloud";

/** As odd as a key may be: nothing of it may mean something to HAProxy. */
const key = "a%[b]\"c'$d\\{e}#f";

describe.each<Suite>(["testing", "trixie"])("sender.cfg in HAProxy of Debian %s", (suite) => {
  let answer = 200;
  let asked: Record<string, unknown> = {};
  let port: number;
  let sender: Awaited<ReturnType<typeof startSender>>;
  const made = issuer();
  const cloud = createServer({}, ({ headers, url, method }, response) => {
    asked = { method, url, host: headers.host, key: headers["signoz-ingestion-key"] };
    response.writeHead(answer, { "retry-after": "7" }).end(`no such key: ${key}`);
  });

  beforeAll(async () => {
    const { certificate, ca } = await made;
    cloud.setSecureContext({ cert: certificate.pem, key: certificate.pem });
    await new Promise<void>((resolve) => cloud.listen(0, "127.0.0.1", resolve));
    port = await freePort();
    const place = { port: (cloud.address() as AddressInfo).port, ca };
    sender = await startSender(port, place, key, { binary: await haproxy(suite) });
  });
  afterAll(async () => {
    await sender?.stop("SIGKILL");
    cloud.close();
  });

  const send = () =>
    fetch(`http://127.0.0.1:${port}/v1/logs`, {
      method: "POST",
      body: "records",
      headers: { "signoz-ingestion-key": "a-client's" },
    });

  it("brings a request there with the key, under the name that the certificate is for", async () => {
    answer = 200;
    expect((await send()).status).toBe(200);
    expect(asked).toEqual({ method: "POST", url: "/v1/logs", host: "ingest.test", key });
  });

  it.each([302, 400, 401, 403, 404, 413, 429, 500, 502])(
    "makes a refusal of %i one to try again, says so, and when",
    async (status) => {
      answer = status;
      const answered = await send();
      expect([answered.status, answered.headers.get("retry-after")]).toEqual([503, "7"]);
      expect(await answered.text()).not.toContain("no such key");
      await expect.poll(() => sender.log()).toContain(`SigNoz Cloud answered ${status}`);
      expect(sender.log()).not.toContain(key);
    },
  );

  it("says try again where nobody answers", async () => {
    cloud.closeAllConnections();
    await new Promise((resolve) => cloud.close(resolve));
    // HAProxy cuts off who asks on a kept connection whose server goes at that moment, which the exporter tries again too.
    const answered = () => send().then(({ status }) => status, String);
    expect(["503", "TypeError: fetch failed"]).toContain(String(await answered()));
    await expect.poll(answered).toBe(503);
  });
});
