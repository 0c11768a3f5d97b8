/** A resource as the engine sees it: its type token, its inputs and whether it is protected. */
export interface PolicyResource {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
  /** Undefined where the caller cannot know it (Pulumi's mocks do not see options). */
  protect?: boolean | undefined;
  /** Whether `up` would make it: only then may something be unknown that depends on it. */
  created?: boolean | undefined;
  /** Where `secretId` names a secret whose id is not known before `up`: the id that the secret itself asks for. */
  secretId?: string | undefined;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
export const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
export const strings = (value: unknown): string[] =>
  list(value).filter((item): item is string => typeof item === "string");

/** The id of the secret that a grant is for; undefined where it cannot be known. */
export function secretOf({ inputs, secretId }: PolicyResource): string | undefined {
  if (secretId !== undefined) return secretId;
  const id =
    String(inputs.secretId ?? "")
      .split("/")
      .at(-1) ?? "";
  return /^[a-z][a-z0-9-]*$/.test(id) ? id : undefined;
}

/** One person, group or account by its address, or one of a workforce pool; no domain and no whole pool. */
const members = [
  /^(user|group|serviceAccount):[^\s@:]+@[a-z0-9-]+(\.[a-z0-9-]+)+$/i,
  /^(principal|principalSet):\/\/iam\.googleapis\.com\/locations\/global\/workforcePools\/[a-z0-9-]+\/(subject|group)\/[^\s/*]+$/,
];
/** Pulumi's mark of a special object and of a secret (sdk/go/common/resource, SigKey and SecretSig). */
export const markKey = "4dabf18193072939515e22adb298388d";
export const secretMark = "1b47061264138c4ac30d75fd1eb44270";

/** What Pulumi's preview says of a value that only `up` makes known. */
export const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Whether nobody can look into a value: marked by the SDK, or blinded or not yet known in a preview. */
export const isHidden = (value: unknown): boolean =>
  value === "[secret]" || value === unknownValue || (isRecord(value) && markKey in value);

/** What is wrong with the members of a grant. */
export function memberFaults(inputs: Record<string, unknown>): string[] {
  return [...strings(inputs.members), ...strings([inputs.member])]
    .filter((name) => !members.some((form) => form.test(name)))
    .map((name) =>
      name === unknownValue
        ? "grants to a member that only `up` makes known"
        : `grants to ${JSON.stringify(name)}; members are user:, group: or serviceAccount: with one address, or one subject or group of a workforce pool`,
    );
}
