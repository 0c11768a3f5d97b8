import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { type Service, services } from "../machine/containerMachine";
import { answers, healthy, machine, soon, state } from "./running";

export function faults() {
  it.each(services)("%s killed is back, and the gate answers", async (service) => {
    const pid = machine.inspect(service, "{{.State.Pid}}");
    machine.sh(`kill -KILL ${pid}`);
    await expect
      .poll(() => machine.inspect(service, "{{.State.Running}} {{.State.Pid}}"), soon)
      .toMatch(new RegExp(`true (?!${pid}$)\\d`));
    await healthy(service);
    await answers();
  });

  it.each(services)(
    "%s ends when the machine shuts down, which would wait 90 s for it",
    async (service) => {
      const before = state(service);
      machine.sh(`kill -TERM ${machine.inspect(service, "{{.State.Pid}}")}`);
      await expect.poll(() => state(service), { ...soon, timeout: 15_000 }).not.toBe(before);
      await healthy(service);
      await answers();
    },
  );

  it("a front whose worker is killed is back", async () => {
    const before = state("front");
    machine.sh(`pkill --signal KILL --parent ${machine.inspect("front", "{{.State.Pid}}")}`);
    await expect.poll(() => state("front"), soon).not.toBe(before);
    await healthy("front");
    await answers();
  });

  it.each<Service>(["front", "collector"])(
    "%s over its memory is killed and back",
    async (service) => {
      const before = state(service);
      // The kernel picks process 1, as it would were it the one that grew.
      machine.within(service, "echo 1000 >/proc/1/oom_score_adj; tail /dev/zero");
      await expect.poll(() => state(service), soon).not.toBe(before);
      await healthy(service);
      await answers();
      const events = machine.sh(
        "timeout 60 docker events --since 5m --until 0s --filter event=oom --format '{{.Actor.Attributes.name}}'",
      );
      expect(events).toContain(`monitoring-${service}-1`);
    },
  );

  it("a front without collector listens at once and says: try again", async () => {
    machine.sh("docker stop monitoring-collector-1; docker restart monitoring-front-1");
    const said = () =>
      machine.onTheOutside(
        `head -c 5 /dev/zero | curl --silent --insecure --http2 --max-time 5 --output /dev/null --dump-header - --header 'signoz-ingestion-key: shared-key-1' --header 'content-type: application/grpc' --data-binary @- https://10.0.0.2:4317/opentelemetry.proto.collector.logs.v1.LogsService/Export || true`,
      );
    await expect.poll(said, { timeout: 3000 }).toMatch(/grpc-status: 14/);
    machine.sh("docker start monitoring-collector-1");
    await answers();
  });

  it("logs without end stay below 30 MB", () => {
    machine.within(
      "collector",
      "yes 0123456789012345678901234567890123456789 | head -c 40000000 >/proc/1/fd/2",
    );
    const folder = machine.inspect("collector", "{{.LogPath}}").replace(/[^/]*$/, "");
    const sizes = machine
      .sh(`stat --format %s ${folder}*-json.log*`)
      .trim()
      .split("\n")
      .map(Number);
    expect(sizes).toHaveLength(3);
    for (const size of sizes) expect(size).toBeLessThan(10_100_000);
  });

  it("a Docker daemon that is away for long, then starts anew, leaves the gate open, and names are resolved again", async () => {
    const before = services.map(state);
    await machine.stopDocker();
    // HAProxy gives up a name that nobody answers for after half a minute, unless it is told otherwise.
    await sleep(40_000);
    expect(machine.probe("shared-key-1")).toBe(0);
    await machine.startDocker();
    expect(services.map(state)).toEqual(before);
    const resolved = () =>
      Number(
        /valid:\s+(\d+)/.exec(
          machine.sh(
            "echo show resolvers | socat - UNIX-CONNECT:/var/lib/monitoring/front/admin.sock",
          ),
        )?.[1],
      );
    const once = resolved();
    await expect.poll(resolved, soon).toBeGreaterThan(once);
  });
}
