import type { Fault } from "../fault";

const file = "infra/certificate.ts";
const tests = ["test/infra/certificate.test.ts"];

export const faults: Fault[] = [
  {
    name: "the leaf certificate is never renewed early",
    file,
    from: "        earlyRenewalHours: renewalHours,\n",
    to: "",
    tests: ["test/index.test.ts", "test/options.test.ts"],
  },
  {
    name: "clients are told of the signing authority alone",
    file,
    from: '(certificates) => certificates.join("")',
    to: '(certificates) => certificates.slice(0, 1).join("")',
    tests,
  },
  {
    name: "the newest authority signs at once",
    file,
    from: "const [signer] = authorities;",
    to: "const signer = authorities.at(-1);",
    tests,
  },
  {
    name: "a new authority signs the old key of the gate",
    file,
    from: "signer.authority}`, ecdsa",
    to: "0}`, ecdsa",
    tests,
  },
  {
    name: "an authority may sign that no client trusts",
    file: "infra/rotation.ts",
    from: "deployed.includes(signer)) return;",
    to: "deployed.includes(signer) || wanted.length > 0) return;",
    tests: ["test/infra/rotation.test.ts"],
  },
  {
    name: "the newest key generation may go",
    file: "infra/rotation.ts",
    from: "!wanted.includes(latest) && newer.length === 0",
    to: "newer.length > 99",
    tests: ["test/infra/rotation.test.ts"],
  },
];
