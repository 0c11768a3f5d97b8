import * as pulumi from "@pulumi/pulumi";
import { CertRequest } from "@pulumi/tls/certRequest";
import { LocallySignedCert } from "@pulumi/tls/locallySignedCert";
import { PrivateKey } from "@pulumi/tls/privateKey";
import { SelfSignedCert } from "@pulumi/tls/selfSignedCert";
import { within } from "./component";

const hoursPerYear = 365 * 24;
/** How long before its end the next `pulumi up` renews a certificate. */
const renewalHours = 60 * 24;

export interface GateCertificateArgs {
  /** The names that clients dial. */
  hosts: pulumi.Input<string[]>;
  /**
   * Names of the stack's certificate authorities, oldest first: the first signs, clients trust them all. Adding one
   * prepares a change of authority, removing the first carries it out.
   */
  certificateAuthorities: string[];
}

/**
 * The gate's certificate, signed by a certificate authority of this stack's own.
 * An authority outlives every certificate it signs, so clients that trust it never notice a renewal.
 */
export class GateCertificate extends pulumi.ComponentResource {
  /** PEM certificates of every authority: what clients must trust. */
  readonly caCertificate: pulumi.Output<string>;
  /** PEM certificate and its private key in one text, so that the two can never be torn apart. */
  readonly certificateAndKey: pulumi.Output<string>;

  constructor(name: string, args: GateCertificateArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:GateCertificate", name, {}, opts);
    const self = within(this, opts);

    const authorities = args.certificateAuthorities.map((authority) =>
      newAuthority(name, authority, self),
    );
    const [signer] = authorities;
    if (!signer) throw new Error("a gate's certificate needs an authority to sign it");
    // A key per signer: the cure for a compromised machine is a new authority, and it must bring a new key.
    const key = new PrivateKey(`${name}-key-${signer.authority}`, ecdsa, self);
    const request = new CertRequest(
      `${name}-request`,
      {
        privateKeyPem: key.privateKeyPem,
        dnsNames: args.hosts,
        // Clients match dnsNames; a common name ends at 64 characters, which a host may exceed.
        subject: { commonName: "monitoring telemetry gate" },
      },
      self,
    );
    const certificate = new LocallySignedCert(
      `${name}-cert`,
      {
        certRequestPem: request.certRequestPem,
        caPrivateKeyPem: signer.key.privateKeyPem,
        caCertPem: signer.certificate.certPem,
        allowedUses: ["digital_signature", "server_auth"],
        validityPeriodHours: hoursPerYear,
        earlyRenewalHours: renewalHours,
      },
      self,
    );

    this.caCertificate = pulumi
      .all(authorities.map((authority) => authority.certificate.certPem))
      .apply((certificates) => certificates.join(""));
    this.certificateAndKey = pulumi.secret(
      pulumi.interpolate`${certificate.certPem}${key.privateKeyPem}`,
    );
    this.registerOutputs({ caCertificate: this.caCertificate });
  }
}

const ecdsa = { algorithm: "ECDSA", ecdsaCurve: "P256" };

function newAuthority(name: string, authority: string, opts: pulumi.CustomResourceOptions) {
  const key = new PrivateKey(`${name}-ca-${authority}-key`, ecdsa, opts);
  const certificate = new SelfSignedCert(
    `${name}-ca-${authority}`,
    {
      privateKeyPem: key.privateKeyPem,
      isCaCertificate: true,
      // No authority below this one. The provider knows no name constraints; nobody but the telemetry
      // clients of this stack is told to trust it.
      maxPathLength: 0,
      // Told apart by name, so that a client that trusts two finds the signer without trying both.
      subject: { commonName: `monitoring telemetry gate CA ${authority}` },
      setSubjectKeyId: true,
      allowedUses: ["cert_signing", "crl_signing"],
      validityPeriodHours: 10 * hoursPerYear,
      earlyRenewalHours: hoursPerYear + renewalHours,
    },
    opts,
  );
  return { authority, key, certificate };
}
