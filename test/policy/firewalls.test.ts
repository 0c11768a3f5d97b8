import { expect, it } from "vitest";
import { judge } from "../../policy/rules";
import { firewall, hidings, rules } from "./resources";

const everything = [{ protocol: "tcp", ports: ["22"] }];

it.each([
  [
    "the gate, from anywhere",
    { sourceRanges: ["0.0.0.0/0"], allows: [{ protocol: "tcp", ports: ["4317"] }] },
  ],
  [
    "SSH through IAP",
    { sourceRanges: ["35.235.240.0/20"], allows: [{ protocol: "tcp", ports: ["22", "8080"] }] },
  ],
  ["SSH from the own network", { sourceRanges: ["10.90.0.0/28"], allows: everything }],
  ["egress", { direction: "EGRESS", allows: [{ protocol: "all" }] }],
  [
    "between tagged machines",
    { sourceTags: ["vm"], allows: [{ protocol: "tcp", ports: ["9000"] }] },
  ],
  ["a deny rule", { sourceRanges: ["0.0.0.0/0"], denies: [{ protocol: "all" }] }],
])("lets %s pass", (_, inputs) => expect(rules(firewall(inputs))).toEqual([]));

it.each([
  ["SSH from anywhere", { sourceRanges: ["0.0.0.0/0"], allows: everything }],
  ["SSH from one office", { sourceRanges: ["203.0.113.0/24"], allows: everything }],
  [
    "IAP and the world",
    {
      sourceRanges: ["35.235.240.0/20", "0.0.0.0/0"],
      allows: [{ protocol: "tcp", ports: ["8080"] }],
    },
  ],
  ["IPv6", { sourceRanges: ["::/0"], allows: [{ protocol: "tcp", ports: ["8080"] }] }],
  [
    "a range of ports",
    { sourceRanges: ["0.0.0.0/0"], allows: [{ protocol: "tcp", ports: ["4317-4318"] }] },
  ],
  ["every port", { sourceRanges: ["0.0.0.0/0"], allows: [{ protocol: "tcp" }] }],
  [
    "4317 over UDP",
    { sourceRanges: ["0.0.0.0/0"], allows: [{ protocol: "udp", ports: ["4317"] }] },
  ],
  ["no source at all, which means everyone", { allows: everything }],
])("refuses %s", { tags: "attack/ci" }, (_, inputs) =>
  expect(rules(firewall(inputs))).toEqual(["ingress"]),
);

it.each<[string, object]>([
  ["10.0.0.0/0", { sourceRanges: ["10.0.0.0/0"] }],
  ["172.16.0.0/1", { sourceRanges: ["172.16.0.0/1"] }],
  ["192.168.0.0/15", { sourceRanges: ["192.168.0.0/15"] }],
  ["IAP's range, wider", { sourceRanges: ["35.235.240.0/19"] }],
  ["private and not", { sourceRanges: ["10.1.0.0/16", "10.0.0.0/7"] }],
  ["a source of another form", { sourceRanges: ["10.0.0.0/8 "] }],
  ...hidings.flatMap(([how, hidden]): [string, object][] => [
    [`sources ${how}, beside a tag`, { sourceRanges: hidden, sourceTags: ["vm"] }],
    [`a source ${how}, beside a tag`, { sourceRanges: [hidden], sourceTags: ["vm"] }],
    [`what is let in ${how}`, { sourceRanges: ["0.0.0.0/0"], allows: hidden }],
    [
      `a port ${how}`,
      { sourceRanges: ["0.0.0.0/0"], allows: [{ protocol: "tcp", ports: ["4317", hidden] }] },
    ],
  ]),
])("refuses %s", { tags: "attack/ci" }, (_, inputs) =>
  expect(new Set(rules(firewall({ allows: everything, ...inputs })))).toEqual(new Set(["ingress"])),
);

it("names the port and the way out", () => {
  const [violation] = judge([
    firewall({ sourceRanges: ["0.0.0.0/0"], allows: [{ protocol: "tcp", ports: ["8080"] }] }),
  ]);
  expect(violation?.message).toMatch(/tcp\/8080.*IAP/);
});
