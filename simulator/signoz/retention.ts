/** Retention as SigNoz v0.138.0 changes it: in the background, one change at a time. */
import { type Json, Refusal } from "./objects.js";

const hoursPerDay = 24;

export class Retention {
  /** Hours, as a new SigNoz has them. */
  readonly hours: Record<string, number> = { traces: 360, logs: 360, metrics: 720 };
  private status = "success";
  private polls = 0;
  /** How often a change is still pending when it is asked for, and how it ends. */
  pendingPolls = 0;
  ends = "success";

  private running(): boolean {
    if (this.status === "pending" && this.polls-- <= 0) this.status = this.ends;
    return this.status === "pending";
  }

  private change(signal: string, hours: number): void {
    this.status = "pending";
    this.polls = this.pendingPolls;
    if (this.ends === "success") this.hours[signal] = hours;
  }

  /** Traces and metrics, in hours. */
  v1(method: string, query: URLSearchParams): Json {
    const signal = query.get("type") ?? "";
    if (!["traces", "metrics"].includes(signal)) throw new Refusal(500, "SetTTLV2 only supported");
    if (method === "GET") {
      const status = this.running() ? "pending" : this.status;
      const hours = this.hours[signal];
      return {
        [`${signal}_ttl_duration_hrs`]: hours,
        [`expected_${signal}_ttl_duration_hrs`]: hours,
        status,
      };
    }
    const [, hours] = /^(\d+)h$/.exec(query.get("duration") ?? "") ?? [];
    if (!hours) throw new Refusal(400, `not a valid TTL duration ${query.get("duration")}`);
    if (this.running()) throw new Refusal(409, "TTL is already running");
    this.change(signal, Number(hours));
    return { message: "move ttl has been successfully set up" };
  }

  /** Logs, in days; a change that is running is a 400 here. */
  v2(method: string, body: Json): Json {
    if (method === "GET") {
      const status = this.running() ? "pending" : this.status;
      return { version: "v2", status, default_ttl_days: (this.hours.logs ?? 0) / hoursPerDay };
    }
    if (body.type !== "logs") throw new Refusal(400, "only supported for logs");
    if (this.running()) throw new Refusal(400, "custom retention TTL is already running");
    this.change("logs", Number(body.defaultTTLDays) * hoursPerDay);
    return { message: "custom retention TTL has been successfully set up" };
  }
}
