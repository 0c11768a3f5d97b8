import "reflect-metadata";
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import * as x509 from "@peculiar/x509";
import type { Act, Kind } from "./kind.js";
import type { Schema } from "./schema.js";
import type { Values } from "./values.js";

// Provider tls 5.6 (Terraform tls 4): every input but earlyRenewalHours replaces, since a certificate cannot be edited.
const once = { optional: true, forceNew: true } as const;
const text = { type: "string", ...once } as const;
const texts = { type: "list", elem: "string", ...once } as const;
const flag = { type: "bool", ...once } as const;
const out = { type: "string", computed: true } as const;

const certificate: Schema = {
  allowedUses: { type: "list", elem: "string", required: true, forceNew: true },
  validityPeriodHours: { type: "int", required: true, forceNew: true },
  earlyRenewalHours: { type: "int", optional: true },
  isCaCertificate: flag,
  maxPathLength: { type: "int", ...once },
  setSubjectKeyId: flag,
  certPem: out,
  validityStartTime: out,
  validityEndTime: out,
  readyForRenewal: { type: "bool", computed: true },
};
const identity: Schema = {
  subject: {
    type: "object",
    ...once,
    block: {
      commonName: text,
      country: text,
      emailAddress: text,
      locality: text,
      organization: text,
      organizationalUnit: text,
      postalCode: text,
      province: text,
      serialNumber: text,
      streetAddresses: texts,
    },
  },
  dnsNames: texts,
  ipAddresses: texts,
  uris: texts,
  privateKeyPem: { type: "string", required: true, forceNew: true },
  keyAlgorithm: out,
};

type CertificateInputs = {
  allowedUses: string[];
  validityPeriodHours: number;
  earlyRenewalHours?: number;
  isCaCertificate?: boolean;
  maxPathLength?: number;
  setSubjectKeyId?: boolean;
  setAuthorityKeyId?: boolean;
};
type IdentityInputs = {
  subject?: Record<string, string | string[]>;
  dnsNames?: string[];
  ipAddresses?: string[];
  uris?: string[];
  privateKeyPem: string;
};
type SelfSignedInputs = CertificateInputs & IdentityInputs;
type LocallySignedInputs = CertificateInputs & {
  caCertPem: string;
  caPrivateKeyPem: string;
  certRequestPem: string;
};

const privateKey: Kind<{ algorithm: string; ecdsaCurve?: string; rsaBits?: number }> = {
  schema: {
    algorithm: { type: "string", required: true, forceNew: true },
    ecdsaCurve: text,
    rsaBits: { type: "int", ...once },
    privateKeyPem: out,
    privateKeyPemPkcs8: out,
    privateKeyOpenssh: out,
    publicKeyPem: out,
    publicKeyOpenssh: out,
    publicKeyFingerprintMd5: out,
    publicKeyFingerprintSha256: out,
  },
  secretOutputs: ["privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh"],
  async create({ inputs: { algorithm, ecdsaCurve = "P224", rsaBits = 2048 } }) {
    const { privateKey: key, form } = newKey(algorithm, ecdsaCurve, rsaBits);
    const publicKey = createPublicKey(key);
    const der = publicKey.export({ type: "spki", format: "der" });
    return {
      id: createHash("sha1").update(der).digest("hex"),
      outputs: {
        privateKeyPem: key.export({ type: form, format: "pem" }),
        privateKeyPemPkcs8: key.export({ type: "pkcs8", format: "pem" }),
        publicKeyPem: publicKey.export({ type: "spki", format: "pem" }),
      },
    };
  },
};

function newKey(algorithm: string, curve: string, bits: number) {
  if (algorithm === "RSA")
    return { ...generateKeyPairSync("rsa", { modulusLength: bits }), form: "pkcs1" as const };
  if (algorithm === "ED25519") return { ...generateKeyPairSync("ed25519"), form: "pkcs8" as const };
  const namedCurve = { P256: "P-256", P384: "P-384", P521: "P-521" }[curve];
  if (algorithm !== "ECDSA")
    throw new Error(`algorithm: must be RSA, ECDSA or ED25519, got "${algorithm}"`);
  if (!namedCurve)
    throw new Error(`ecdsaCurve: clients take P256, P384 or P521, got "${curve}" (default P224)`);
  return { ...generateKeyPairSync("ec", { namedCurve }), form: "sec1" as const };
}

const selfSignedCert: Kind<SelfSignedInputs> = {
  schema: { ...certificate, ...identity, setAuthorityKeyId: flag },
  secretOutputs: ["privateKeyPem"],
  async create(act) {
    const { inputs } = act;
    const keys = await keyPair(inputs.privateKeyPem);
    const name = subjectOf(inputs);
    return issue(act, {
      subject: name,
      issuer: name,
      publicKey: keys.publicKey,
      signer: keys,
      names: alternativeNames(inputs),
      authority: inputs.setAuthorityKeyId ? keys.publicKey : undefined,
    });
  },
  update: renewal,
  replaces: dueForRenewal,
};

const certRequest: Kind<IdentityInputs> = {
  schema: { ...identity, certRequestPem: out },
  secretOutputs: ["privateKeyPem"],
  async create({ inputs }) {
    const keys = await keyPair(inputs.privateKeyPem);
    const request = await x509.Pkcs10CertificateRequestGenerator.create({
      name: subjectOf(inputs),
      keys,
      signingAlgorithm: keys.algorithm,
      extensions: alternativeNames(inputs),
    });
    const id = createHash("sha1").update(Buffer.from(request.rawData)).digest("hex");
    return { id, outputs: { certRequestPem: `${request.toString("pem")}\n` } };
  },
};

const locallySignedCert: Kind<LocallySignedInputs> = {
  schema: {
    ...certificate,
    caCertPem: { type: "string", required: true, forceNew: true },
    caPrivateKeyPem: { type: "string", required: true, forceNew: true },
    certRequestPem: { type: "string", required: true, forceNew: true },
    caKeyAlgorithm: out,
  },
  secretOutputs: ["caPrivateKeyPem"],
  async create(act) {
    const { caCertPem, caPrivateKeyPem, certRequestPem } = act.inputs;
    const request = new x509.Pkcs10CertificateRequest(certRequestPem);
    if (!(await request.verify())) throw new Error("certRequestPem: its signature does not verify");
    const ca = new x509.X509Certificate(caCertPem);
    const names = request.extensions.filter(({ type }) => type === subjectAlternativeName);
    return issue(act, {
      subject: request.subject,
      issuer: ca.subject,
      publicKey: await request.publicKey.export(),
      signer: await keyPair(caPrivateKeyPem),
      names,
      authority: await ca.publicKey.export(),
    });
  },
  update: renewal,
  replaces: dueForRenewal,
};

/** The resource types of @pulumi/tls that the program uses: real keys, real X.509. */
export const tlsKinds: Record<string, Kind> = {
  "tls:index/privateKey:PrivateKey": privateKey as Kind,
  "tls:index/selfSignedCert:SelfSignedCert": selfSignedCert as Kind,
  "tls:index/certRequest:CertRequest": certRequest as Kind,
  "tls:index/locallySignedCert:LocallySignedCert": locallySignedCert as Kind,
};

const subjectAlternativeName = "2.5.29.17";
const hourMs = 3_600_000;
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

async function issue(act: Act<CertificateInputs>, request: Issue) {
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

function alternativeNames(inputs: IdentityInputs): x509.Extension[] {
  const names = [
    ...(inputs.dnsNames ?? []).map((value) => ({ type: "dns" as const, value })),
    ...(inputs.ipAddresses ?? []).map((value) => ({ type: "ip" as const, value })),
    ...(inputs.uris ?? []).map((value) => ({ type: "url" as const, value })),
  ];
  return names.length ? [new x509.SubjectAlternativeNameExtension(names)] : [];
}

function subjectOf({ subject = {} }: IdentityInputs): string {
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

async function keyPair(pem: string) {
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

async function renewal(act: Act<CertificateInputs>): Promise<Values> {
  return { readyForRenewal: dueForRenewal(act).length > 0 };
}

// The provider asks for a replacement while planning, so a plain `up` renews without a refresh.
function dueForRenewal({ inputs, olds, world }: Act<CertificateInputs>): string[] {
  const end = Date.parse(String(olds.validityEndTime));
  return world.now().getTime() >= end - (inputs.earlyRenewalHours ?? 0) * hourMs
    ? ["readyForRenewal"]
    : [];
}
