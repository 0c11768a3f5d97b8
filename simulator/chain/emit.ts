// Exports one metric, one log record and one span by the official SDK, configured by the environment alone.
// Sends its parent what the exporters complained about: an empty list means that all three were accepted.
import { DiagLogLevel, diag, metrics, trace } from "@opentelemetry/api";
import { logs } from "@opentelemetry/api-logs";
import { NodeSDK } from "@opentelemetry/sdk-node";

const complaints: string[] = [];
const complain = (...words: unknown[]) => complaints.push(words.map(String).join(" "));
const quiet = () => {};
// Errors alone: without a client certificate the exporters warn on every start.
diag.setLogger(
  { error: complain, warn: quiet, info: quiet, debug: quiet, verbose: quiet },
  DiagLogLevel.ERROR,
);

const sdk = new NodeSDK({ instrumentations: [] });
sdk.start();
metrics.getMeter("chain").createCounter("chain.metric").add(1);
logs.getLogger("chain").emit({ body: "chain.log" });
trace.getTracer("chain").startSpan("chain.span").end();
sdk
  .shutdown()
  .catch(complain)
  .finally(() => process.send?.(complaints, () => process.exit(0)));
