import { StaffApi } from "../shared/staff/api";

/** The doors of the server this page knocks at. */

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

export class Api extends StaffApi {
  simulator(): Promise<{ on: boolean; number: string }> {
    return this.send("/api/simulator");
  }

  relay(request: RelayedRequest): Promise<Answered> {
    return this.send("/api/simulator/requests", { body: request });
  }

  call(callSid: string): Promise<Timeline> {
    return this.send(`/api/phone/calls/${encodeURIComponent(callSid)}`);
  }

  calls(simulated: boolean): Promise<CallRow[]> {
    return this.send(`/api/phone/calls?limit=20&simulated=${simulated}`);
  }

  async scenario(callSid: string): Promise<string> {
    return (await this.fetched(`/api/phone/calls/${encodeURIComponent(callSid)}/scenario`)).text();
  }
}
