import "reflect-metadata";
import * as x509 from "@peculiar/x509";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** A certificate authority of its own and a leaf for `names`: PEM texts as the gate takes them. */
export interface Certificate {
  ca: string;
  /** Leaf certificate followed by its private key, in one text. */
  pem: string;
}

/** @param authority its name: who trusts two authorities of one name asks the wrong one */
export async function issueCertificate(
  names: string[],
  authority = "test authority",
): Promise<Certificate> {
  const [caKeys, leafKeys] = await Promise.all([newKeys(), newKeys()]);
  const validity = { notBefore: new Date(Date.now() - 60_000), notAfter: tomorrow() };
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${authority}`,
    keys: caKeys,
    signingAlgorithm: algorithm,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  const leaf = await x509.X509CertificateGenerator.create({
    subject: `CN=${names[0]}`,
    issuer: ca.subject,
    publicKey: leafKeys.publicKey,
    signingKey: caKeys.privateKey,
    signingAlgorithm: algorithm,
    ...validity,
    extensions: [
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({
          type: /^[\d.]+$/.test(value) ? ("ip" as const) : ("dns" as const),
          value,
        })),
      ),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    ],
  });
  const key = await crypto.subtle.exportKey("pkcs8", leafKeys.privateKey);
  return {
    ca: `${ca.toString("pem")}\n`,
    pem: `${leaf.toString("pem")}\n${x509.PemConverter.encode(key, "PRIVATE KEY")}\n`,
  };
}

function newKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as Promise<CryptoKeyPair>;
}

function tomorrow(): Date {
  return new Date(Date.now() + 86_400_000);
}
