import "reflect-metadata";
import { createPrivateKey, createPublicKey } from "node:crypto";
import * as x509 from "@peculiar/x509";
import type { Act } from "./kind.js";

export type CertificateInputs = {
  allowedUses: string[];
  validityPeriodHours: number;
  earlyRenewalHours?: number;
  isCaCertificate?: boolean;
  maxPathLength?: number;
  setSubjectKeyId?: boolean;
  setAuthorityKeyId?: boolean;
};

export type IdentityInputs = {
  subject?: Record<string, string | string[]>;
  dnsNames?: string[];
  ipAddresses?: string[];
  uris?: string[];
  privateKeyPem: string;
};

/** Object identifier of the names a certificate is for (RFC 5280). */
export const subjectAlternativeName = "2.5.29.17";
export const hourMs = 3_600_000;

const keyUses: Record<string, x509.KeyUsageFlags> = {
  digital_signature: x509.KeyUsageFlags.digitalSignature,
  content_commitment: x509.KeyUsageFlags.nonRepudiation,
  key_encipherment: x509.KeyUsageFlags.keyEncipherment,
  data_encipherment: x509.KeyUsageFlags.dataEncipherment,
  key_agreement: x509.KeyUsageFlags.keyAgreement,
  cert_signing: x509.KeyUsageFlags.keyCertSign,
  crl_signing: x509.KeyUsageFlags.cRLSign,
};
const extendedUses: Record<string, string> = {
  server_auth: x509.ExtendedKeyUsage.serverAuth,
  client_auth: x509.ExtendedKeyUsage.clientAuth,
  code_signing: x509.ExtendedKeyUsage.codeSigning,
  email_protection: x509.ExtendedKeyUsage.emailProtection,
};

interface Issue {
  subject: string;
  issuer: string;
  publicKey: CryptoKey;
  signer: CryptoKeyPair & { algorithm: Algorithm };
  names: x509.Extension[];
  authority: CryptoKey | undefined;
}

/** Signs a certificate as the provider does: serial of 128 random bits, times in whole seconds. */
export async function issue(act: Act<CertificateInputs>, request: Issue) {
  const { inputs, world } = act;
  const notBefore = new Date(Math.floor(world.now().getTime() / 1000) * 1000);
  const notAfter = new Date(notBefore.getTime() + inputs.validityPeriodHours * hourMs);
  const isCa = inputs.isCaCertificate ?? false;
  const extensions: x509.Extension[] = [
    new x509.BasicConstraintsExtension(isCa, inputs.maxPathLength, true),
    ...usages(inputs.allowedUses),
    ...request.names,
  ];
  if (isCa || inputs.setSubjectKeyId)
    extensions.push(await x509.SubjectKeyIdentifierExtension.create(request.publicKey));
  if (request.authority)
    extensions.push(await x509.AuthorityKeyIdentifierExtension.create(request.authority));
  const cert = await x509.X509CertificateGenerator.create({
    subject: request.subject,
    issuer: request.issuer,
    notBefore,
    notAfter,
    publicKey: request.publicKey,
    signingKey: request.signer.privateKey,
    signingAlgorithm: request.signer.algorithm,
    extensions,
  });
  return {
    id: BigInt(`0x${cert.serialNumber}`).toString(),
    outputs: {
      certPem: `${cert.toString("pem")}\n`,
      validityStartTime: notBefore.toISOString(),
      validityEndTime: notAfter.toISOString(),
      readyForRenewal: false,
    },
  };
}

function usages(allowed: string[]): x509.Extension[] {
  const odd = allowed.find((use) => !(use in keyUses) && !(use in extendedUses));
  if (odd) throw new Error(`allowedUses: unknown use "${odd}"`);
  const flags = allowed.reduce((sum, use) => sum | (keyUses[use] ?? 0), 0);
  const extended = allowed.flatMap((use) => extendedUses[use] ?? []);
  return [
    ...(flags ? [new x509.KeyUsagesExtension(flags, true)] : []),
    ...(extended.length ? [new x509.ExtendedKeyUsageExtension(extended)] : []),
  ];
}

/** @returns the extension that names what the certificate is for; none without names */
export function alternativeNames(inputs: IdentityInputs): x509.Extension[] {
  const names = [
    ...(inputs.dnsNames ?? []).map((value) => ({ type: "dns" as const, value })),
    ...(inputs.ipAddresses ?? []).map((value) => ({ type: "ip" as const, value })),
    ...(inputs.uris ?? []).map((value) => ({ type: "url" as const, value })),
  ];
  return names.length ? [new x509.SubjectAlternativeNameExtension(names)] : [];
}

/** @returns the distinguished name as text, as RFC 4514 writes it */
export function subjectOf({ subject = {} }: IdentityInputs): string {
  const parts: [string, string | string[] | undefined][] = [
    ["C", subject.country],
    ["ST", subject.province],
    ["L", subject.locality],
    ["O", subject.organization],
    ["OU", subject.organizationalUnit],
    ["CN", subject.commonName],
  ];
  const escaped = (value: unknown) => String(value).replace(/[,+"\\<>;=]/g, "\\$&");
  return parts.flatMap(([key, value]) => (value ? [`${key}=${escaped(value)}`] : [])).join(", ");
}

/** @returns a private key in PEM as the Web Crypto keys that sign and verify */
export async function keyPair(pem: string) {
  const key = createPrivateKey(pem);
  const curve = { prime256v1: "P-256", secp384r1: "P-384", secp521r1: "P-521" }[
    key.asymmetricKeyDetails?.namedCurve ?? ""
  ];
  const algorithms: Record<string, { name: string; namedCurve?: string; hash?: string }> = {
    ec: { name: "ECDSA", namedCurve: curve ?? "", hash: curve === "P-384" ? "SHA-384" : "SHA-256" },
    rsa: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
    ed25519: { name: "Ed25519" },
  };
  const algorithm = algorithms[key.asymmetricKeyType ?? ""];
  if (!algorithm) throw new Error(`privateKeyPem: cannot sign with a ${key.asymmetricKeyType} key`);
  const der = {
    privateKey: key.export({ type: "pkcs8", format: "der" }),
    publicKey: createPublicKey(key).export({ type: "spki", format: "der" }),
  };
  return {
    algorithm,
    privateKey: await crypto.subtle.importKey("pkcs8", der.privateKey, algorithm, true, ["sign"]),
    publicKey: await crypto.subtle.importKey("spki", der.publicKey, algorithm, true, ["verify"]),
  };
}
