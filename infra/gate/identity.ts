/** Who sent a record: what the key says goes, what the client says is a claim, and each record tells which it is. */

import type { GateOptions } from "./options";
import { owner, quote } from "./ottl";

/** The owner of the key, as the front names it. */
export const ownerOfKey = {
  attributes: [
    { pattern: "^monitoring[.]", action: "delete" },
    { key: owner, from_context: "metadata.x-monitoring-owner", action: "upsert" },
  ],
};

/** What a resource says of its sender. */
export const identity = [
  'set(cache["verified"], "false")',
  `set(cache["verified"], "true") where attributes["${owner}"] != nil and attributes["${owner}"] != "-"`,
  'set(cache["engineer"], attributes["engineer"]) where cache["verified"] == "false" and IsString(attributes["engineer"])',
  // What a personal key stamps is an e-mail address, so a claim must not look like one.
  `replace_pattern(cache["engineer"], ${quote("[@\\x{FF20}\\x{FE6B}]")}, "_at_")`,
  `replace_pattern(cache["engineer"], ${quote("\\p{C}")}, "")`,
  `set(cache["engineer"], attributes["${owner}"]) where cache["verified"] == "true"`,
  'delete_matching_keys(attributes, "^(?:engineer$$|engineer[.]verified$$|monitoring[.])")',
  'set(attributes["engineer"], cache["engineer"]) where cache["engineer"] != ""',
  'set(attributes["engineer.verified"], cache["verified"])',
];

/** Takes every claim of the client off a record; twice the same name is no SDK's doing, but possible. */
export const unclaim = ({ keepContent }: GateOptions) =>
  keepContent
    ? ['delete_matching_keys(attributes, "^engineer(?:[.]verified)?$$")']
    : [
        'delete_key(attributes, "engineer")',
        'delete_matching_keys(attributes, "^engineer$$") where attributes["engineer"] != nil',
      ];
export const stamp = [
  'set(attributes["engineer"], resource.attributes["engineer"])',
  'set(attributes["engineer.verified"], resource.attributes["engineer.verified"])',
  'set(attributes["team"], resource.attributes["team"])',
];

/**
 * SigNoz's exporter (v0.144.12) writes a metric's labels as JSON and escapes no name and few control characters: by a
 * name with a quote a sender becomes somebody else, and by what is no JSON nobody.
 */
const control = quote("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f]");
export const asLabels = ({ keepContent }: GateOptions) =>
  keepContent
    ? [
        `delete_matching_keys(attributes, ${quote('["\\\\\\x00-\\x1f]')})`,
        `replace_all_patterns(attributes, "value", ${control}, "")`,
      ]
    : // A glob can only mask, but reads a value for a tenth of what an expression costs: no name or id holds even a tab.
      ['replace_all_matches(attributes, "*[! -\\U0010FFFF]*", "****")'];
export const asLabel = (path: string) => `replace_pattern(${path}, ${control}, "")`;
