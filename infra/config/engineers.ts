import * as field from "./fields";

/** Owner of a personal key, `<owner>.<secret>`: such a key then has the form that the gate takes (keys-map.sh). */
export const keyOwner = /^[a-z0-9_][a-z0-9._+-]{0,63}$/;

const keyGeneration = field.generation("2026-11");

/** Who reports, and by which keys. */
export const engineers = {
  org: field.key(
    "Name of the company, sent as resource attribute `org`; SigNoz's organisation keeps the first one",
    field.matching(
      /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}[A-Za-z0-9]$/,
      "2 to 64 letters, digits, blanks and . _ -",
      "palindrom",
    ),
  ),
  defaultTeam: field.key(
    "Value of attribute `team` for an engineer who has not set the team variable",
    field.label("engineering"),
  ),
  teamVariable: field.key(
    "Environment variable on the engineer's machine that names the team",
    field.variable("PALINDROM_TEAM"),
  ),
  engineerVariable: field.key(
    "Environment variable on the engineer's machine that overrides $USER as attribute `engineer`",
    field.variable("PALINDROM_ENGINEER"),
  ),
  onePasswordReference: field.key(
    "1Password secret reference (op://vault/item/field) that holds the shared ingestion key; empty leaves 1Password out",
    field.optional(
      field.matching(
        /^op:\/\/[^/\p{C}]+(\/[^/\p{C}]+){2,3}$/u,
        "a 1Password secret reference",
        "op://vault/item/field",
      ),
    ),
  ),
  instrumentPrograms: field.key(
    "Whether programs run inside a session get address and key of the gate too; they, and the model, can then read the key",
    field.flag,
    false,
  ),
  ingestionKeyGenerations: field.key(
    "Generations of the shared ingestion key, oldest first in ascending order; all are accepted, engineers fetch the newest; may be empty once everybody has a key of their own",
    field.listOf(keyGeneration),
  ),
  personalKeyEmails: field.key(
    "E-mail addresses that get a key of their own; the gate then stamps attribute `engineer` with that address, which nobody can claim under a shared key. `/name` behind an address is the generation of that key: another name, another key",
    field.listOf(
      {
        ...field.email,
        read: (text) => {
          const { address, generation } = personalKey(text);
          field.email.read(address);
          if (!keyOwner.test(engineerOf(address)))
            throw new field.Fault(
              "must begin with a letter or digit and have only letters, digits and . _ + - before the @, since that part becomes part of the key",
            );
          keyGeneration.read(generation);
          if (text.endsWith("/key"))
            throw new field.Fault("must name another generation: key is that of an address alone");
          return text;
        },
      },
      { atMost: 1000 },
    ),
  ),
  secretReaders: field.key(
    "IAM members that may read the endpoint and the shared ingestion key",
    field.listOf(field.member),
  ),
};

export const renamedEngineers = {
  ingestionKeys: "ingestionKeyGenerations",
  engineerKeys: "personalKeyEmails",
};

/** Faults between these keys that are each well-formed. */
export function engineerContradictions(values: Partial<field.Values<typeof engineers>>): string[] {
  const faults: string[] = [];
  const { ingestionKeyGenerations: generations, personalKeyEmails: emails } = values;
  const early = generations?.find((one, index) => one < (generations[index - 1] ?? ""));
  if (early !== undefined)
    faults.push(
      `monitoring:ingestionKeyGenerations = ${JSON.stringify(generations)} must ascend, newest last; move ${JSON.stringify(early)} or give it a later name`,
    );
  if (generations?.length === 0 && emails?.length === 0)
    faults.push(
      "monitoring:ingestionKeyGenerations = [] leaves no key at all, since personalKeyEmails is empty too; run: pulumi config set --path 'monitoring:ingestionKeyGenerations[0]' 2026-11",
    );
  const owners = (emails ?? []).map((address) => idOf(engineerOf(address)));
  const twice = owners.findIndex((owner, index) => owners.indexOf(owner) !== index);
  if (twice >= 0)
    faults.push(
      `monitoring:personalKeyEmails = ${JSON.stringify(emails)} has a second address of engineer ${JSON.stringify(owners[twice])}: ${emails?.[twice]}; keep one`,
    );
  const own = (emails ?? []).map(personalKey);
  const keys = [
    ...(generations ?? []),
    ...own.map(({ address, generation }) => ownKeyName(engineerOf(address), generation)),
  ];
  const shared = keys.find((name, index) => keys.indexOf(name) !== index);
  if (shared !== undefined && twice < 0)
    faults.push(
      `monitoring:personalKeyEmails = ${JSON.stringify(emails)} and ingestionKeyGenerations = ${JSON.stringify(generations)} call two keys ${JSON.stringify(shared)}; keep one, or give its generation another name`,
    );
  if (owners.includes(probeOwner))
    faults.push(
      `monitoring:personalKeyEmails = ${JSON.stringify(emails)} has an address of ${JSON.stringify(probeOwner)}, the name of the ready check's own key; keep one of another name`,
    );
  return faults;
}

/** Owner of the key by which a stack without a shared key asks its own gate; its requests carry no telemetry. */
export const probeOwner = "monitoring-probe";

/** What an engineer's own key is called among the stack's keys, where a shared one is called by its generation. */
export const ownKeyName = (owner: string, generation: string): string =>
  `of-${owner}${generation === "key" ? "" : `-${generation}`}`;

/** An entry of personalKeyEmails, `address` or `address/generation`, taken apart. */
export function personalKey(entry: string): { address: string; generation: string } {
  const [address = "", generation = "key"] = entry.split(/\/(?=[^/@]*$)/);
  return { address, generation };
}

/** Attribute `engineer` of the key that an e-mail address owns: the part before the @, in lower case. */
export const engineerOf = (address: string): string => address.replace(/@.*$/s, "").toLowerCase();

/** A name as part of a Google resource id, which takes no dots and the like. */
export const idOf = (name: string): string => name.toLowerCase().replace(/[^a-z0-9-]/g, "-");
