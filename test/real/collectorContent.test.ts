import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Engineer } from "./engineer";
import { type Gate, startGate } from "./gate";
import { type MessagesApi, startMessagesApi } from "./messagesApi";
import { levels, valuesOf } from "./otlp";

/** Every switch of Claude Code that lets content into its telemetry. */
const talkative = {
  OTEL_LOG_USER_PROMPTS: "1",
  OTEL_LOG_ASSISTANT_RESPONSES: "1",
  OTEL_LOG_TOOL_DETAILS: "1",
  OTEL_LOG_TOOL_CONTENT: "1",
  OTEL_LOG_RAW_API_BODIES: "1",
  ENABLE_BETA_TRACING_DETAILED: "1",
};
/** Words of the prompt, of the command, of its output (put together by it) and of its error. */
const spoken = [
  "word-of-the-prompt",
  "word-of-the-command",
  "word-of-the-output",
  "word-of-the-error",
];
const prompt = `word-of-the-prompt\nrun: echo word-of-the-command; printf '%s-%s\\n' word-of the-output; echo "$((1))" >&2; ls word-of-the-error`;

describe("Claude Code with every content switch on", () => {
  let api: MessagesApi;
  const session = async (keepContent: boolean): Promise<{ gate: Gate; text: string }> => {
    const gate = await startGate({ keys: "shared-key", rendered: { keepContent } });
    onTestFinished(() => gate.stop());
    const engineer = new Engineer(api.url);
    onTestFinished(() => engineer.remove());
    const { code, stdout } = await engineer.session(prompt, {
      args: ["--allowedTools", "Bash", "--setting-sources", "project"],
      env: {
        CLAUDE_CODE_ENABLE_TELEMETRY: "1",
        CLAUDE_CODE_ENHANCED_TELEMETRY_BETA: "1",
        OTEL_METRICS_EXPORTER: "otlp",
        OTEL_LOGS_EXPORTER: "otlp",
        OTEL_TRACES_EXPORTER: "otlp",
        OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
        OTEL_EXPORTER_OTLP_ENDPOINT: `https://localhost:${gate.port}`,
        OTEL_EXPORTER_OTLP_CERTIFICATE: join(gate.dir, "ca.pem"),
        OTEL_EXPORTER_OTLP_HEADERS: "signoz-ingestion-key=shared-key",
        ...talkative,
      },
    });
    expect([code, stdout]).toEqual([0, expect.stringContaining("done")]);
    await expect.poll(() => gate.received().length, { timeout: 10_000 }).toBeGreaterThan(2);
    return { gate, text: JSON.stringify(gate.received()) };
  };
  beforeAll(async () => {
    api = await startMessagesApi();
  });
  afterAll(() => api.close());

  it("says everything where content is kept", async () => {
    const { text } = await session(true);
    for (const word of spoken) expect(text).toContain(word);
  });

  it("is heard through the gate with its numbers and names only", {
    tags: "attack/content",
  }, async () => {
    const { gate, text } = await session(false);
    const { record } = levels(gate.received());
    for (const word of spoken) expect(text).not.toContain(word);
    expect(valuesOf(record, "event.name")).toEqual(
      expect.arrayContaining(["user_prompt", "api_request", "tool_result"]),
    );
    expect(valuesOf(record, "tool_name")).toContain("Bash");
  });
});
