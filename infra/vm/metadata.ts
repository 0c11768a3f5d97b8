import { gzipSync } from "node:zlib";

/** Compute Engine's limits of metadata: 256 KB a value, 512 KB an instance ("Limitations" in "About VM metadata"). */
const valueLimitBytes = 256 * 1024;
const totalLimitBytes = 512 * 1024;

/**
 * A text as one metadata value: itself, or gzip+base64 of it when it is too large.
 * @throws Error when neither fits, with both sizes
 */
export function packed(text: string, what: string, limitBytes = valueLimitBytes): string {
  const bytes = Buffer.byteLength(text);
  if (bytes <= limitBytes) return text;
  const zipped = gzipSync(text, { level: 9 }).toString("base64");
  if (zipped.length <= limitBytes) return zipped;
  throw new Error(
    `${what} is ${bytes} bytes, ${zipped.length} packed; a metadata value holds ${limitBytes}: shorten teamBudgets or take panels out of infra/signoz/dashboards`,
  );
}

/** @throws Error when Compute Engine would refuse the metadata for its size: it names the largest, and what makes it small */
export function checkSize(delivered: Record<string, string>): void {
  const sizes = Object.entries(delivered)
    .map(([key, value]) => [key, Buffer.byteLength(value)] as const)
    .sort(([, one], [, other]) => other - one);
  const total = sizes.reduce((sum, [, bytes]) => sum + bytes, 0);
  const [largest, bytes] = sizes[0] ?? ["", 0];
  if (total <= totalLimitBytes && bytes <= valueLimitBytes) return;
  const cure =
    largest === "monitoring-settings"
      ? "it names a secret for each of monitoring:personalKeyEmails: take addresses out, whose engineers then use the shared key"
      : "take something out of infra/";
  throw new Error(
    `Instance metadata is too large (${sizes.map(([key, size]) => `${key} ${size} bytes`).join(", ")}): Compute Engine takes ${valueLimitBytes} a value and ${totalLimitBytes} in all; of ${largest}, ${cure}`,
  );
}
