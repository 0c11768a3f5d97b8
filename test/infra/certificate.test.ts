import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:tls";
import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it } from "vitest";
import { GateCertificate } from "../../infra/certificate";
import { Cloud } from "../../simulator/cloud/cloud";

const host = "10.113.0.203.bc.googleusercontent.com";

interface Issued {
  /** What clients are told to trust. */
  trusted: string;
  /** Certificate and key of the gate. */
  pem: string;
}

// Keys and authorities keep what they are from update to update, as they do in a stack's state.
const kept = new Map<string, Awaited<ReturnType<Cloud["newResource"]>>>();
class KeepingCloud extends Cloud {
  override async newResource(args: pulumi.runtime.MockResourceArgs) {
    const known = kept.get(args.name);
    if (known) return known;
    const made = await super.newResource(args);
    if (/PrivateKey|SelfSignedCert/.test(args.type)) kept.set(args.name, made);
    return made;
  }
}

/** What an update with these authorities leaves behind. */
async function issue(certificateAuthorities: string[]): Promise<Issued> {
  await pulumi.runtime.setMocks(
    new KeepingCloud({ project: "p", region: "r", zone: "r-a" }),
    "monitoring",
    "dev",
    false,
  );
  const gate = new GateCertificate("monitoring-dev", { hosts: [host], certificateAuthorities });
  const value = <T>(output: pulumi.Output<T>) =>
    new Promise<T>((resolve) => output.apply((it) => resolve(it)));
  return { trusted: await value(gate.caCertificate), pem: await value(gate.certificateAndKey) };
}

/** Whether a client that trusts `trusted` alone gets through to a gate with `pem`, and if not why. */
async function dial({ pem }: Issued, { trusted }: Issued): Promise<string> {
  const server = createServer({ cert: pem, key: pem }, (socket) => socket.end());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: "127.0.0.1", servername: host, ca: trusted });
  try {
    await once(client, "secureConnect");
    return "accepted";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  } finally {
    client.destroy();
    server.close();
  }
}

describe("a change of authority", () => {
  let before: Issued;
  let prepared: Issued;
  let after: Issued;
  beforeAll(async () => {
    before = await issue(["2026"]);
    prepared = await issue(["2026", "2027"]);
    after = await issue(["2027"]);
  });

  it("lets every client through that has followed one step at most", async () => {
    const table: [Issued, Issued][] = [
      [before, before],
      [prepared, before],
      [before, prepared],
      [prepared, prepared],
      [after, prepared],
      [prepared, after],
      [after, after],
    ];
    const outcomes = await Promise.all(table.map(([gate, client]) => dial(gate, client)));
    // The one client that is ahead of its gate: it no longer trusts the old authority.
    expect(outcomes.map((outcome) => outcome === "accepted")).toEqual([
      true,
      true,
      true,
      true,
      true,
      false,
      true,
    ]);
  });

  it("shuts out who holds the old authority's key, and who has not followed", async () => {
    expect(await dial(before, after)).not.toBe("accepted");
    expect(await dial(after, before)).not.toBe("accepted");
  });

  it("brings a new key for the gate: a compromised machine had the old one", () => {
    const key = ({ pem }: Issued) => new X509Certificate(pem).publicKey.export({ format: "jwk" }).x;
    expect(key(prepared)).toBe(key(before));
    expect(key(after)).not.toBe(key(before));
  });

  it("makes authorities that sign certificates of gates and no other authority", () => {
    const authority = new X509Certificate(before.trusted);
    expect(authority.ca).toBe(true);
    expect(authority.toLegacyObject().issuer).toEqual(authority.toLegacyObject().subject);
    expect(new X509Certificate(before.pem).checkIssued(authority)).toBe(true);
    expect(new X509Certificate(before.pem).ca).toBe(false);
  });
});
