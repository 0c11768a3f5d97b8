import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { markKey, secretMark } from "../../../../policy/resource";
import {
  copyState,
  redactState,
  standInConfig,
  standInSecrets,
} from "../../../../scripts/ci/preview/standIn";
import { tells } from "./states";

const secret = (value: unknown) => ({
  [markKey]: secretMark,
  plaintext: JSON.stringify(value),
});
const opened = (value: { plaintext: string }) => JSON.parse(value.plaintext);

const key = "9fQ-ingestion-key-plaintext";
const pem = "-----BEGIN PRIVATE KEY-----\nMIIBVQIBADANBgkq\n-----END PRIVATE KEY-----\n";
const webhook = "https://chat.example.com/hooks/T000/very-secret";
const stackYaml = `secretsprovider: gcpkms://projects/p/locations/europe-west4/keyRings/r/cryptoKeys/k
encryptedkey: CiQAdatakey=
config:
  gcp:project: p
  gcp:defaultLabels:
    a: b
  # who is told
  monitoring:alertWebhook:
    secure: v1:abc:def
  monitoring:nested:
    list:
      - secure: v1:nested:one
`;
const config = {
  "gcp:project": { value: "p", secret: false },
  "monitoring:alertWebhook": { value: webhook, secret: true },
  "monitoring:nested": { objectValue: { list: ["nested-secret-value"] }, secret: true },
};
const urn = (type: string, name: string) => `urn:pulumi:dev::monitoring::${type}::${name}`;
const resource = (type: string, name: string, inputs: object, outputs: object) => ({
  urn: urn(type, name),
  type,
  inputs,
  outputs,
});

const state = () => ({
  version: 3,
  deployment: {
    manifest: { version: "v3.274.1" },
    secrets_providers: {
      type: "cloud",
      state: { url: "gcpkms://…", encryptedkey: "CiQAdatakey=" },
    },
    resources: [
      resource(
        "random:index/randomPassword:RandomPassword",
        "key",
        { length: 27 },
        { result: secret(key), length: 27 },
      ),
      resource("tls:index/privateKey:PrivateKey", "leaf", {}, { privateKeyPem: secret(pem) }),
      resource("tls:index/locallySignedCert:LocallySignedCert", "cert", {}, { certPem: "CERT\n" }),
      resource(
        "gcp:secretmanager/secretVersion:SecretVersion",
        "tls",
        {
          secretData: secret(`CERT\n${pem}`),
          secret: "projects/p/secrets/monitoring-tls-secret-dev",
        },
        {},
      ),
      resource(
        "gcp:secretmanager/secretVersion:SecretVersion",
        "json",
        { secretData: secret(JSON.stringify({ webhookToken: pem, smtpPassword: key })) },
        {},
      ),
      resource(
        "gcp:secretmanager/secretVersion:SecretVersion",
        "endpoint",
        {
          secretData: secret('{"grpc":"203.0.113.7:4317"}'),
          secret: "projects/p/secrets/monitoring-signoz-otlp-endpoint-secret-dev",
        },
        {},
      ),
      resource(
        "gcp:secretmanager/secretVersion:SecretVersion",
        "alerts",
        { secretData: secret(webhook) },
        {},
      ),
      resource(
        "gcp:compute/instance:Instance",
        "vm",
        { metadata: { "monitoring-settings": "{}" } },
        { effectiveLabels: secret({ a: "b" }), other: secret("of unknown origin") },
      ),
      resource(
        "command:local:Command",
        "ready",
        {
          triggers: [
            createHash("sha256").update(key).digest("hex"),
            Buffer.from(key).toString("base64"),
          ],
        },
        { stdout: `leaked ${key} by mistake` },
      ),
    ],
  },
});

// biome-ignore lint/suspicious/noExplicitAny: a state file is JSON of many shapes.
const redacted = () => redactState(state(), stackYaml, config) as any;
// biome-ignore lint/suspicious/noExplicitAny: as above.
const find = (copy: any, name: string) =>
  copy.deployment.resources.find((r: { urn: string }) => r.urn.endsWith(`::${name}`));

describe("redactState", () => {
  it("leaves no secret, in no encoding, and no key to decrypt one", () => {
    const text = JSON.stringify(redacted());
    for (const value of [
      key,
      webhook,
      "MIIBVQIBADANBgkq",
      Buffer.from(key).toString("base64"),
      "nested-secret-value",
      "of unknown origin",
      "CiQAdatakey",
      createHash("sha256").update(key).digest("hex"),
    ])
      expect(text).not.toContain(value);
  });

  it("keeps values consistent: what was made from a secret is made from its stand-in", () => {
    const copy = redacted();
    const [standInKey, standInPem] = [
      opened(find(copy, "key").outputs.result),
      opened(find(copy, "leaf").outputs.privateKeyPem),
    ];
    expect(opened(find(copy, "tls").inputs.secretData)).toBe(`CERT\n${standInPem}`);
    expect(JSON.parse(opened(find(copy, "json").inputs.secretData))).toEqual({
      webhookToken: standInPem,
      smtpPassword: standInKey,
    });
    expect(find(copy, "ready").inputs.triggers).toEqual([
      createHash("sha256").update(standInKey).digest("hex"),
      Buffer.from(standInKey).toString("base64"),
    ]);
    expect(opened(find(copy, "alerts").inputs.secretData)).toBe(
      parse(standInConfig(stackYaml)).config["monitoring:alertWebhook"],
    );
  });

  it("keeps what is marked secret but public, or each preview would show it changed", () => {
    const copy = redacted();
    expect(opened(find(copy, "endpoint").inputs.secretData)).toBe('{"grpc":"203.0.113.7:4317"}');
    expect(opened(find(copy, "vm").outputs.effectiveLabels)).toEqual({ a: "b" });
  });

  it("makes an engineer's own key anew beside their address, whose domain is in the clear elsewhere", () => {
    const type = "gcp:secretmanager/secretVersion:SecretVersion";
    const own = resource(type, "own", { secretData: secret(`dana.li@example.com.${key}`) }, {});
    const all = state();
    all.deployment.resources.push({ ...own, outputs: { url: "https://otlp.example.com:4317" } });
    const { state: copy, unknown } = copyState(all, stackYaml, config);
    const standIn = opened(find(copy, "key").outputs.result);
    expect(opened(find(copy, "own").inputs.secretData)).toBe(`dana.li@example.com.${standIn}`);
    expect(unknown).toEqual([expect.stringContaining("::vm.other")]);
  });

  it("replaces a secret of unknown origin as a whole", () =>
    expect(opened(find(redacted(), "vm").outputs.other)).toMatch(/^standin[0-9a-f]{40}$/));

  it("keeps empty values, inside JSON too: a secret that is not set is no secret", () => {
    const unset = '{"smtpPassword":"","webhookUrl":""}';
    const copy = redactState(
      {
        deployment: {
          resources: [{ ...resource("gcp:x", "v", { secretData: secret(unset) }, {}) }],
        },
      },
      stackYaml,
      config,
    );
    expect(opened(find(copy, "v").inputs.secretData)).toBe(unset);
  });

  it("refuses a state that was exported without --show-secrets", () => {
    const encrypted = state();
    Object.assign(encrypted.deployment.resources[0]?.outputs ?? {}, {
      result: { [markKey]: secretMark, ciphertext: "v1:a:b" },
    });
    expect(() => redactState(encrypted, stackYaml, config)).toThrow(/--show-secrets/);
  });

  it("refuses a secret that is too short to be found safely", () => {
    const short = { ...config, "monitoring:alertWebhook": { value: "abc", secret: true } };
    expect(() => redactState(state(), stackYaml, short)).toThrow(
      /config monitoring:alertWebhook is a secret of 3 characters, too short/,
    );
  });

  it("refuses a config whose decrypted value is missing", () =>
    expect(() => redactState(state(), stackYaml, {})).toThrow(
      /monitoring:alertWebhook is encrypted/,
    ));
});

describe("a Secret of Kubernetes", () => {
  const [certificate, password] = [
    "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIRAKd0\n-----END CERTIFICATE-----\n",
    "aB3dE5gH7jK9mN2pQ4rS6tV8xZ1bC3dF",
  ];
  const hash = (text: string) => createHash("sha256").update(text).digest("hex");
  const texts: Record<string, (key: string, password: string, pem: string) => string> = {
    keys: (key, password) =>
      `dana.li@example.com.${password}\nmonitoring-probe.${password}\n${key}\n`,
    "tls.crt": () => certificate,
    "tls.key": (_, __, pem) => pem,
    password: (_, password) => password,
    dsn: (_, password) => `tcp://migrator:${password}@clickhouse:9000`,
    "passwords.xml": (_, password) =>
      `<clickhouse><users><signoz><password_sha256_hex>${hash(password)}</password_sha256_hex></signoz></users></clickhouse>\n`,
    replica: (key) => key,
  };
  const data = (...made: Parameters<(typeof texts)[string]>) =>
    Object.fromEntries(
      Object.entries(texts).map(([name, make]) => [
        name,
        Buffer.from(make(...made)).toString("base64"),
      ]),
    );
  /** As the provider keeps it: under one mark, and the inputs among the outputs once more. */
  const withSecret = (values: object, open: object = {}) => {
    const all = state();
    const password_ = resource(
      "random:index/randomPassword:RandomPassword",
      "password",
      {},
      { result: secret(password) },
    );
    const inputs = { apiVersion: "v1", data: secret(values), metadata: { name: "gate-keys" } };
    all.deployment.resources.push(
      password_,
      resource("kubernetes:core/v1:Secret", "gate-keys", inputs, {
        ...inputs,
        __inputs: inputs,
        ...open,
      }),
    );
    return all;
  };
  const real = data(key, password, pem);

  it("is made anew from stand-ins, which the program makes just so, and keeps the certificate", () => {
    // biome-ignore lint/suspicious/noExplicitAny: as above.
    const copy = redactState(withSecret(real), stackYaml, config) as any;
    const made = data(
      opened(find(copy, "key").outputs.result),
      opened(find(copy, "password").outputs.result),
      opened(find(copy, "leaf").outputs.privateKeyPem),
    );
    const { inputs, outputs } = find(copy, "gate-keys");
    for (const one of [inputs, outputs, outputs.__inputs]) expect(opened(one.data)).toEqual(made);
    expect(Buffer.from(made["tls.key"] ?? "", "base64").toString()).toMatch(
      /^-----BEGIN PRIVATE KEY-----\nstandin[0-9a-f]{40}\n-----END PRIVATE KEY-----\n$/,
    );
    expect(Object.keys(made).filter((name) => made[name] === real[name])).toEqual(["tls.crt"]);
  });

  it.each(Object.keys(texts).filter((name) => name !== "tls.crt"))(
    "is not published where its %s is in an annotation, as kubectl leaves it",
    { tags: "attack/state" },
    (name) => {
      const metadata = {
        annotations: {
          "kubectl.kubernetes.io/last-applied-configuration": JSON.stringify({
            data: { [name]: real[name] },
          }),
        },
      };
      let copy = "";
      try {
        copy = JSON.stringify(redactState(withSecret(real, { metadata }), stackYaml, config));
      } catch (error) {
        expect((error as Error).message).toMatch(/nothing was published: \S+gate-keys/);
      }
      for (const value of [key, password, "MIIBVQIBADANBgkq"])
        expect(tells(copy, value)).toBeUndefined();
    },
  );

  it.each([
    ["another's text beside a password", { dsn: `tcp://Root-2:${password}@clickhouse:9000` }],
    ["another's address", { dsn: `tcp://migrator:${password}@db.internal-x9:9000` }],
    ["a key of nobody's", { keys: `hunter-2-very-secret\n${key}\n` }],
    [
      "a private key among certificates",
      { "tls.crt": `${certificate}${pem.replace("MII", "MIJ")}` },
    ],
  ])("becomes a stand-in of its place with %s", { tags: "attack/state" }, (_, texts) => {
    const values = Object.entries(texts).map(([name, text]) => [
      name,
      Buffer.from(text).toString("base64"),
    ]);
    const { state: copied, unknown } = copyState(
      withSecret(Object.fromEntries(values)),
      stackYaml,
      config,
    );
    const ofSecret = unknown.filter((place) => place.includes("kubernetes:"));
    expect(ofSecret).toEqual([expect.stringContaining(`gate-keys.data.${values[0]?.[0]}`)]);
    for (const text of Object.values(texts))
      expect(JSON.stringify(copied)).not.toContain(Buffer.from(text).toString("base64"));
  });
});

describe("standInConfig", () => {
  it("drops the secrets provider, keeps plain values and comments, and names each encrypted value by its ciphertext", () => {
    const text = standInConfig(stackYaml);
    expect(text).not.toMatch(/gcpkms|encryptedkey|secure:/);
    expect(text).toContain("# who is told");
    const { config: values } = parse(text);
    expect(values["gcp:project"]).toBe("p");
    expect(values["monitoring:nested"].list[0]).toMatch(/^https:\/\/stand-in\.invalid\//);
    expect(values["monitoring:alertWebhook"]).not.toBe(values["monitoring:nested"].list[0]);
  });

  it("names the same values by their path, to be encrypted anew", () => {
    const { config: values } = parse(standInConfig(stackYaml));
    expect(standInSecrets(stackYaml)).toEqual([
      `monitoring:alertWebhook=${values["monitoring:alertWebhook"]}`,
      `monitoring:nested.list[0]=${values["monitoring:nested"].list[0]}`,
    ]);
  });
});
