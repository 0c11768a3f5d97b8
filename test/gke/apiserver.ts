import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../../simulator/freePort";
import { controlPlane } from "../real/parts/kubernetes";

/** An object of Kubernetes, as far as tests look into it. */
// biome-ignore lint/suspicious/noExplicitAny: what the API server answers has as many forms as it has kinds
export type KubernetesObject = Record<string, any>;

const patches = {
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
};

/**
 * A real control plane: etcd, API server, controllers and scheduler; kwok plays six nodes in three zones and the pods
 * on them, which are ready as soon as they are scheduled, and the disks and load balancers that Google would give.
 */
export class ControlPlane {
  private readonly children: ChildProcess[] = [];
  private readonly token = randomUUID();
  /** Of who may read all but Secrets, as roles/container.viewer. */
  private readonly viewerToken = randomUUID();
  readonly dir = mkdtempSync(join(tmpdir(), "monitoring-gke-"));
  private port = 0;

  static async start(): Promise<ControlPlane> {
    const plane = new ControlPlane();
    try {
      await plane.run();
    } catch (error) {
      const told = plane.log("kube-apiserver").slice(-2000);
      plane.close();
      throw new Error(`${(error as Error).message}\n${told}`);
    }
    return plane;
  }

  /** `host:port` of the API server, whose certificate is for the address that it listens at, and for no `localhost`. */
  get endpoint(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** The environment in which Google's sign-in plugin gives the token, and its certificate is trusted. */
  get env(): Record<string, string> {
    return {
      PATH: `${this.plugin("admin")}:${process.env.PATH}`,
      SSL_CERT_FILE: join(this.dir, "certificates/apiserver.crt"),
    };
  }

  /** Folder of a sign-in plugin that gives the token of somebody, of which a stranger's is none of this cluster's. */
  plugin(who: "admin" | "viewer" | "stranger"): string {
    return join(this.dir, who);
  }

  log(name: string): string {
    return readFileSync(join(this.dir, `${name}.log`), "utf8");
  }

  /**
   * One request to the API server.
   * @throws Error with its answer, unless that is one of success
   */
  ask(method: string, path: string, body?: unknown, type = "application/json") {
    return new Promise<KubernetesObject>((resolve, reject) => {
      const asked = request(
        {
          ...{ host: "127.0.0.1", port: this.port, method, path },
          ca: readFileSync(join(this.dir, "certificates/apiserver.crt")),
          headers: { authorization: `Bearer ${this.token}`, "content-type": type },
        },
        async (answer) => {
          let text = "";
          for await (const chunk of answer) text += chunk;
          if ((answer.statusCode ?? 500) < 300)
            resolve(text.startsWith("{") ? JSON.parse(text) : {});
          else reject(new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 500)}`));
        },
      );
      asked.on("error", reject);
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  get(path: string) {
    return this.ask("GET", path);
  }

  /** A change by hand, as kubectl would make it. */
  patch(path: string, body: unknown, kind: keyof typeof patches = "merge") {
    return this.ask("PATCH", path, body, patches[kind]);
  }

  async list(path: string): Promise<KubernetesObject[]> {
    return (await this.get(path)).items;
  }

  close(): void {
    for (const child of this.children.reverse()) child.kill("SIGKILL");
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  private async run(): Promise<void> {
    const parts = await controlPlane();
    const [client, peer, port] = [await freePort(), await freePort(), await freePort()];
    this.port = port;
    const file = (name: string, text: string, mode = 0o600) => {
      writeFileSync(join(this.dir, name), text, { mode });
      return join(this.dir, name);
    };
    const { privateKey } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs1", format: "pem" },
    });
    const key = file("accounts.key", privateKey);
    const kubeconfig = file("kubeconfig", JSON.stringify(this.kubeconfig()));
    const tokens = { admin: this.token, viewer: this.viewerToken, stranger: randomUUID() };
    for (const [who, token] of Object.entries(tokens)) {
      mkdirSync(join(this.dir, who));
      const answer = `#!/bin/sh\necho '${JSON.stringify(credential(token))}'\n`;
      file(join(who, "gke-gcloud-auth-plugin"), answer, 0o700);
    }
    const admin = `${this.token},admin,admin,"system:masters"\n`;
    const users = file("tokens.csv", `${admin}${this.viewerToken},viewer,viewer\n`);

    this.spawn(parts.etcd, "etcd", [
      `--data-dir=${join(this.dir, "etcd")}`,
      `--listen-client-urls=http://127.0.0.1:${client}`,
      `--advertise-client-urls=http://127.0.0.1:${client}`,
      `--listen-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-cluster=default=http://127.0.0.1:${peer}`,
      "--unsafe-no-fsync",
    ]);
    this.spawn(parts.apiserver, "kube-apiserver", [
      `--etcd-servers=http://127.0.0.1:${client}`,
      `--secure-port=${port}`,
      "--bind-address=127.0.0.1",
      "--advertise-address=192.0.2.1",
      "--endpoint-reconciler-type=none",
      "--service-cluster-ip-range=10.96.0.0/16",
      `--cert-dir=${join(this.dir, "certificates")}`,
      `--token-auth-file=${users}`,
      "--authorization-mode=RBAC",
      // As GKE's: without it the server refuses a privileged pod before the namespace is asked.
      "--allow-privileged",
      // It would taint every new node as not ready, which the controller of heartbeats alone takes back.
      "--disable-admission-plugins=TaintNodesByCondition",
      `--service-account-key-file=${key}`,
      `--service-account-signing-key-file=${key}`,
      "--service-account-issuer=https://localhost",
    ]);
    await this.until("the API server is ready", () => this.get("/readyz"));
    for (const [kind, object] of Object.entries(viewer))
      await this.ask("POST", `/apis/rbac.authorization.k8s.io/v1/${kind}`, object);
    // The provider deletes in the foreground and waits until an object is gone: these take its finalizers away.
    this.spawn(parts.controllerManager, "kube-controller-manager", [
      `--kubeconfig=${kubeconfig}`,
      `--service-account-private-key-file=${key}`,
      `--root-ca-file=${join(this.dir, "certificates/apiserver.crt")}`,
      "--leader-elect=false",
      "--secure-port=0",
      // Nobody sends heartbeats.
      "--controllers=*,-node-lifecycle-controller",
    ]);
    this.spawn(parts.scheduler, "kube-scheduler", [
      `--kubeconfig=${kubeconfig}`,
      "--leader-elect=false",
      "--secure-port=0",
    ]);
    this.spawn(parts.kwok, "kwok", [
      `--kubeconfig=${kubeconfig}`,
      `--config=${join(__dirname, "stages.yaml")}`,
      "--manage-all-nodes=true",
      "--cidr=10.91.0.0/16",
      "--node-ip=10.90.0.2",
    ]);
    for (const zone of ["a", "b", "c"])
      for (const node of [1, 2]) await this.ask("POST", "/api/v1/nodes", nodeIn(zone, node));
    await this.until("every node is ready", async () => {
      const nodes = await this.list("/api/v1/nodes");
      if (!nodes.every(({ status }) => status.allocatable)) throw new Error("not yet");
    });
  }

  private async until(what: string, ask: () => Promise<unknown>, seconds = 240): Promise<void> {
    for (const end = Date.now() + seconds * 1000; ; await pause(200))
      try {
        await ask();
        return;
      } catch (error) {
        if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}: ${error}`);
      }
  }

  private spawn(program: string, name: string, args: string[]): void {
    const log = openSync(join(this.dir, `${name}.log`), "a");
    this.children.push(spawn(program, args, { cwd: this.dir, stdio: ["ignore", log, log] }));
  }

  private kubeconfig() {
    const cluster = {
      server: `https://${this.endpoint}`,
      "certificate-authority": join(this.dir, "certificates/apiserver.crt"),
    };
    return {
      apiVersion: "v1",
      kind: "Config",
      "current-context": "test",
      contexts: [{ name: "test", context: { cluster: "test", user: "admin" } }],
      clusters: [{ name: "test", cluster }],
      users: [{ name: "admin", user: { token: this.token } }],
    };
  }
}

const credential = (token: string) => ({
  apiVersion: "client.authentication.k8s.io/v1beta1",
  kind: "ExecCredential",
  status: { token },
});

const viewer = {
  clusterroles: {
    metadata: { name: "viewer" },
    rules: [
      {
        apiGroups: [""],
        resources: [
          ...["configmaps", "endpoints", "events", "namespaces", "persistentvolumeclaims"],
          ...["persistentvolumes", "pods", "serviceaccounts", "services"],
        ],
        verbs: ["get", "list", "watch"],
      },
      {
        apiGroups: [
          ...["apps", "batch", "discovery.k8s.io", "events.k8s.io", "networking.k8s.io"],
          ...["policy", "storage.k8s.io"],
        ],
        resources: ["*"],
        verbs: ["get", "list", "watch"],
      },
    ],
  },
  clusterrolebindings: {
    metadata: { name: "viewer" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "viewer" },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "viewer" }],
  },
};

const nodeIn = (zone: string, number: number) => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: {
    name: `node-${zone}${number}`,
    labels: {
      "kubernetes.io/hostname": `node-${zone}${number}`,
      "topology.kubernetes.io/zone": `us-central1-${zone}`,
    },
  },
});
