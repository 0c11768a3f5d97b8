/**
 * What a record may be at most. Beyond it the record is refused (counted by reason, kept in the dead-letter file)
 * or, where said so, cut. Each keeps one sender's mistake from stopping or spoiling what others sent.
 */
export const limits = {
  /** Clocks go wrong; ClickHouse would open a partition for each day that does not exist yet. */
  futureHours: 1,
  /** SigNoz's traces exporter (v0.144.7) drops spans older than 15 days without a word; a day is left for its queue. */
  spanDays: 14,
  /** Attributes of one record, log, span or resource. */
  attributes: 128,
  /** Bytes of one value, cut: names and ids are shorter. */
  valueBytes: 256,
  /** The same where content is kept: a whole prompt, not a whole repository. */
  contentBytes: 65_536,
  /**
   * Lists and maps within each other, where content is kept; elsewhere none passes. SigNoz's exporters (v0.144.12) take
   * memory by the square of it, ClickHouse refuses 150 lists for ever, and thousands end it. The pattern that asks for it
   * grows by the square too, and has to fit into metadata.
   */
  nestedValues: 12,
  /** Events, and links, of one span. */
  spanParts: 128,
  /** Buckets of one histogram, quantiles of one summary: each becomes a series. */
  buckets: 64,
  /** Datapoints of one metric in one request: with the front's limit on requests it bounds the series of a key. */
  pointsPerMetric: 2000,
  /** Of any value: beyond 2^53 a double no longer counts ones. */
  value: 2 ** 53,
} as const;

/** The largest believable value of one datapoint or log record, in the unit of its name. */
export const believable: Record<"metrics" | "logs", Record<string, number>> = {
  metrics: {
    "claude_code.cost.usage": 10_000,
    "claude_code.token.usage": 10_000_000_000,
    "claude_code.active_time.total": 31 * 86_400,
    "claude_code.lines_of_code.count": 10_000_000,
    "claude_code.session.count": 10_000,
    "claude_code.commit.count": 10_000,
    "claude_code.pull_request.count": 10_000,
    "claude_code.code_edit_tool.decision": 100_000,
  },
  logs: {
    cost_usd: 10_000,
    duration_ms: 31 * 86_400_000,
    ttft_ms: 31 * 86_400_000,
    input_tokens: 1_000_000_000,
    output_tokens: 1_000_000_000,
    cache_read_tokens: 1_000_000_000,
    cache_creation_tokens: 1_000_000_000,
  },
};
