import { gzipSync } from "node:zlib";
import { renderDashboard } from "./dashboard";
import { dashboards } from "./dashboards";

export interface ContentInput {
  signozUrl: string;
}

/** What provisioning puts into SigNoz: request bodies by kind. */
export interface SignozContent {
  channels: object[];
  /** Every channel name that could be ours: what is not among `channels` is removed. */
  channelNames: string[];
  dashboards: object[];
  views: object[];
  rules: object[];
  quietHours: object[];
}

export const renderContent = (_input: ContentInput): SignozContent => ({
  channels: [],
  channelNames: [],
  dashboards: dashboards.map(renderDashboard),
  views: [],
  rules: [],
  quietHours: [],
});

/** Google Compute Engine: one metadata value holds at most 256 KB. */
const metadataValueLimitBytes = 256 * 1024;

/**
 * The content as one instance metadata value: JSON, or gzip+base64 of it when the JSON is too large.
 * @throws Error when even that does not fit, with both sizes
 */
export function contentMetadata(
  content: SignozContent,
  limitBytes = metadataValueLimitBytes,
): string {
  const json = JSON.stringify(content);
  if (Buffer.byteLength(json) <= limitBytes) return json;
  const packed = gzipSync(json, { level: 9 }).toString("base64");
  if (packed.length <= limitBytes) return packed;
  throw new Error(
    `SigNoz content: ${json.length} bytes, ${packed.length} packed, do not fit the ${limitBytes} bytes of a metadata value: remove panels from infra/signoz or teams from teamBudgets`,
  );
}
