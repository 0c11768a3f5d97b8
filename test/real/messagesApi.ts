import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

interface Block {
  type: string;
  text?: string;
  content?: unknown;
}

interface Message {
  role: string;
  content: string | (string | Block)[];
}

/** A Messages API on loopback, just enough for Claude Code: it streams one tool call, then "done". */
export interface MessagesApi {
  url: string;
  /** What the tool calls gave back, as Claude Code sent it to the model, oldest first. */
  toolResults: string[];
  close(): void;
}

/** The prompt `run: <command>` makes the model call Bash with that command; any other gets a word. */
export async function startMessagesApi(): Promise<MessagesApi> {
  const toolResults: string[] = [];
  const server = createServer(async (request, response) => {
    const { messages = [], tools = [] } = await readJson(request);
    const answered = messages.findLastIndex((message: Message) => message.role === "assistant");
    const last = messages
      .slice(answered + 1)
      .flatMap((message: Message) => message.content)
      .map(asBlock);
    const results = last.filter((block: Block) => block.type === "tool_result");
    toolResults.push(...results.map((block: Block) => JSON.stringify(block.content)));
    const command = last
      .map((block: Block) => /^run: (.*)$/m.exec(block.text ?? "")?.[1])
      .find((found: string | undefined) => found);
    const hasBash = tools.some((tool: { name: string }) => tool.name === "Bash");
    answer(response, command && hasBash && results.length === 0 ? command : undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return { url: `http://127.0.0.1:${port}`, toolResults, close: () => server.close() };
}

function asBlock(content: string | Block): Block {
  return typeof content === "string" ? { type: "text", text: content } : content;
}

// biome-ignore lint/suspicious/noExplicitAny: a request body of an API whose types we do not ship
async function readJson(request: IncomingMessage): Promise<any> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text === "" ? {} : JSON.parse(text);
}

let answers = 0;

/** One streamed message: a Bash call when there is a command, else the text "done". */
function answer(response: ServerResponse, command: string | undefined): void {
  answers += 1;
  response.writeHead(200, { "content-type": "text/event-stream", "request-id": `req_${answers}` });
  const send = (type: string, data: object) =>
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  const usage = { input_tokens: 100, output_tokens: 1 };
  const message = {
    id: `msg_${answers}`,
    type: "message",
    role: "assistant",
    model: "claude-sonnet-4-5",
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage,
  };
  send("message_start", { message });
  const block = command
    ? { type: "tool_use", id: `toolu_${answers}`, name: "Bash", input: {} }
    : { type: "text", text: "" };
  send("content_block_start", { index: 0, content_block: block });
  const delta = command
    ? { type: "input_json_delta", partial_json: JSON.stringify({ command, description: "test" }) }
    : { type: "text_delta", text: "done" };
  send("content_block_delta", { index: 0, delta });
  send("content_block_stop", { index: 0 });
  const stop_reason = command ? "tool_use" : "end_turn";
  send("message_delta", {
    delta: { stop_reason, stop_sequence: null },
    usage: { output_tokens: 20 },
  });
  send("message_stop", {});
  response.end();
}
