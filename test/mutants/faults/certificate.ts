import type { Fault } from "../fault";

export const faults: Fault[] = [
  {
    name: "the leaf certificate is never renewed early",
    file: "infra/certificate.ts",
    from: "        earlyRenewalHours: renewalHours,\n",
    to: "",
    tests: ["test/index.test.ts", "test/options.test.ts"],
  },
];
