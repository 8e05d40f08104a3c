/** The doors of the server this page knocks at. */

export class Refused extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
  }
}

export interface Answered {
  status: number;
  body: string;
  took_ms: number;
}

export interface Timeline {
  call_sid: string;
  order: string | null;
  outcome: string | null;
  state: Record<string, unknown>;
}

export interface CallRow {
  call_sid: string;
  caller: string | null;
  line: string;
  started_at: string;
  seconds: number | null;
  outcome: string | null;
  where: string;
  order: string | null;
}

export interface RelayedRequest {
  call_sid: string;
  address: string;
  number: string | null;
  fields: Record<string, string>;
}

export class Api {
  constructor(private readonly token: string) {}

  static async signIn(login: string, password: string): Promise<string> {
    const session = await send<{ token: string }>("/api/sessions", { body: { login, password } });
    return session.token;
  }

  signOut(): Promise<unknown> {
    return send("/api/sessions", { token: this.token, method: "DELETE" });
  }

  simulator(): Promise<{ on: boolean; number: string }> {
    return this.get("/api/simulator");
  }

  relay(request: RelayedRequest): Promise<Answered> {
    return send("/api/simulator/requests", { token: this.token, body: request });
  }

  call(callSid: string): Promise<Timeline> {
    return this.get(`/api/phone/calls/${encodeURIComponent(callSid)}`);
  }

  calls(simulated: boolean): Promise<CallRow[]> {
    return this.get(`/api/phone/calls?limit=20&simulated=${simulated}`);
  }

  async scenario(callSid: string): Promise<string> {
    return (await fetched(`/api/phone/calls/${encodeURIComponent(callSid)}/scenario`, { token: this.token })).text();
  }

  private get<T>(path: string): Promise<T> {
    return send<T>(path, { token: this.token });
  }
}

interface Sending {
  token?: string;
  method?: string;
  body?: unknown;
}

async function send<T>(path: string, sending: Sending): Promise<T> {
  const response = await fetched(path, sending);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

async function fetched(path: string, { token, method, body }: Sending): Promise<Response> {
  const headers: Record<string, string> = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  // Relative to the page, which stands one step below the root, so that it also works behind a path.
  const response = await fetch(`..${path}`, {
    method: method ?? (body === undefined ? "GET" : "POST"),
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Refused(response.status, await detailOf(response));
  return response;
}

async function detailOf(response: Response): Promise<string> {
  try {
    return ((await response.json()) as { detail?: string }).detail ?? response.statusText;
  } catch {
    return response.statusText;
  }
}
