/** How the pages of the staff ask the server. */

const PATIENCE_MS = 20_000;

export class Refused extends Error {
  constructor(
    readonly status: number,
    detail: string,
    /** The fields that were not as they should be. */
    readonly fields: readonly string[] = [],
  ) {
    super(detail);
  }
}

export interface Me {
  name: string;
  role: string | null;
}

export interface Sending {
  token?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: unknown;
}

/** What somebody who is signed in may ask. */
export class StaffApi {
  constructor(private readonly token: string) {}

  static async signIn(login: string, password: string): Promise<string> {
    const session = await send<{ token: string }>("/api/sessions", { body: { login, password } });
    return session.token;
  }

  signOut(): Promise<unknown> {
    return this.send("/api/sessions", { method: "DELETE" });
  }

  me(): Promise<Me> {
    return this.send("/api/me");
  }

  protected send<T>(path: string, sending: Sending = {}): Promise<T> {
    return send<T>(path, { ...sending, token: this.token });
  }

  protected fetched(path: string): Promise<Response> {
    return fetched(path, { token: this.token });
  }
}

async function send<T>(path: string, sending: Sending): Promise<T> {
  const response = await fetched(path, sending);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

async function fetched(path: string, { token, method, headers = {}, body }: Sending): Promise<Response> {
  const sent = { ...headers };
  if (token) sent.Authorization = `Bearer ${token}`;
  if (body !== undefined) sent["Content-Type"] = "application/json";
  // Relative to the page, which stands one step below the root, so that it also works behind a path.
  const response = await fetch(`..${path}`, {
    method: method ?? (body === undefined ? "GET" : "POST"),
    headers: sent,
    signal: AbortSignal.timeout(PATIENCE_MS),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw await refusal(response);
  return response;
}

interface Problem {
  detail?: string;
  field?: string;
  errors?: { field: string }[];
}

async function refusal(response: Response): Promise<Refused> {
  const problem = (await response.json().catch(() => ({}))) as Problem;
  // The first part of a path says where the field was sent: "body.category".
  const several = problem.errors?.map((error) => error.field.replace(/^\w+\./, "")) ?? [];
  const fields = problem.field ? [problem.field] : several;
  return new Refused(response.status, problem.detail ?? response.statusText, fields);
}
