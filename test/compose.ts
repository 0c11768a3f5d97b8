import { parse } from "yaml";

type Mapping = Record<string, unknown>;

const isMapping = (value: unknown): value is Mapping =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Compose merges a service with what it extends map by map; nothing that ships has lists on both sides. */
function merged(base: Mapping, own: Mapping): Mapping {
  const both = { ...base, ...own };
  for (const key of Object.keys(own))
    if (isMapping(base[key]) && isMapping(own[key])) both[key] = merged(base[key], own[key]);
  return both;
}

/** What a compose.yaml among delivered files says, its services with what they extend. */
// biome-ignore lint/suspicious/noExplicitAny: a document that each test reads by path
export function composeOf(files: Record<string, string>, name = "compose.yaml"): any {
  const { services, ...rest } = parse(files[name] ?? "", { merge: true });
  const whole = (service: Mapping): Mapping => {
    const { extends: from, ...own } = service as { extends?: { file?: string; service: string } };
    if (!from) return own;
    const base = from.file
      ? composeOf(files, from.file).services[from.service]
      : whole(services[from.service]);
    return merged(base, own);
  };
  return {
    ...rest,
    services: Object.fromEntries(
      Object.entries<Mapping>(services).map(([service, own]) => [service, whole(own)]),
    ),
  };
}
