import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { within } from "./component";

const hoursPerYear = 365 * 24;
/** How long before its end the next `pulumi up` renews a certificate. */
const renewalHours = 60 * 24;

/**
 * The gate's certificate, signed by a certificate authority of this stack's own.
 * The authority outlives every certificate it signs, so clients that trust it never notice a renewal.
 */
export class GateCertificate extends pulumi.ComponentResource {
  /** PEM certificate that clients must trust. */
  readonly caCertificate: pulumi.Output<string>;
  /** PEM certificate and its private key in one text, so that the two can never be torn apart. */
  readonly certificateAndKey: pulumi.Output<string>;

  constructor(
    name: string,
    args: { host: pulumi.Input<string> },
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("monitoring:index:GateCertificate", name, {}, opts);
    const self = within(this, opts);
    const ecdsa = { algorithm: "ECDSA", ecdsaCurve: "P256" };

    const caKey = new tls.PrivateKey(`${name}-ca-key`, ecdsa, self);
    const ca = new tls.SelfSignedCert(
      `${name}-ca`,
      {
        privateKeyPem: caKey.privateKeyPem,
        isCaCertificate: true,
        subject: { commonName: "monitoring telemetry gate CA" },
        setSubjectKeyId: true,
        allowedUses: ["cert_signing", "crl_signing"],
        validityPeriodHours: 10 * hoursPerYear,
        earlyRenewalHours: hoursPerYear + renewalHours,
      },
      self,
    );
    const key = new tls.PrivateKey(`${name}-key`, ecdsa, self);
    const request = new tls.CertRequest(
      `${name}-request`,
      {
        privateKeyPem: key.privateKeyPem,
        dnsNames: [args.host],
        // Clients match dnsNames; a common name ends at 64 characters, which a host may exceed.
        subject: { commonName: "monitoring telemetry gate" },
      },
      self,
    );
    const certificate = new tls.LocallySignedCert(
      `${name}-cert`,
      {
        certRequestPem: request.certRequestPem,
        caPrivateKeyPem: caKey.privateKeyPem,
        caCertPem: ca.certPem,
        allowedUses: ["digital_signature", "server_auth"],
        validityPeriodHours: hoursPerYear,
        earlyRenewalHours: renewalHours,
      },
      self,
    );

    this.caCertificate = ca.certPem;
    this.certificateAndKey = pulumi.secret(
      pulumi.interpolate`${certificate.certPem}${key.privateKeyPem}`,
    );
    this.registerOutputs({ caCertificate: this.caCertificate });
  }
}
