/** Requests to a SigNoz server (API of v0.138.0) as its root user. */
export class Signoz {
  private token = "";

  constructor(
    readonly url: string,
    private readonly user: { email: string; password: string },
  ) {}

  /**
   * Logs in again when the session has ended, as it does after half an hour.
   * @throws Error with what SigNoz answers when it is not 2xx
   */
  // biome-ignore lint/suspicious/noExplicitAny: what SigNoz answers
  async ask(method: string, path: string, body?: object): Promise<any> {
    let response = await this.request(method, path, body);
    if (response.status === 401 && !path.startsWith("/api/v2/sessions")) {
      await this.logIn();
      response = await this.request(method, path, body);
    }
    const text = await response.text();
    if (!response.ok)
      throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 300)}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  private request(method: string, path: string, body?: object): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
  }

  async logIn(): Promise<void> {
    const { email, password } = this.user;
    const query = `email=${encodeURIComponent(email)}&ref=${encodeURIComponent(this.url)}`;
    const { data } = await this.ask("GET", `/api/v2/sessions/context?${query}`);
    if (!data.exists) throw new Error(`SigNoz knows no user ${email}`);
    const session = { email, password, orgId: data.orgs[0].id };
    const answer = await this.ask("POST", "/api/v2/sessions/email_password", session);
    this.token = answer.data.accessToken;
  }
}
