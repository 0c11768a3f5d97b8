import "reflect-metadata";
import { createHash, createPublicKey, generateKeyPairSync } from "node:crypto";
import * as x509 from "@peculiar/x509";
import type { Act, Kind } from "./kind.js";
import type { Schema } from "./schema.js";
import type { Values } from "./values.js";
import {
  alternativeNames,
  type CertificateInputs,
  hourMs,
  type IdentityInputs,
  issue,
  keyPair,
  subjectAlternativeName,
  subjectOf,
} from "./x509.js";

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
