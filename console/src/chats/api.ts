import { StaffApi } from "../shared/staff/api";
import type { Area, Category, Chat, Chats, Handover, Matter } from "./model";

/** The doors of written conversations. */
export class Api extends StaffApi {
  /** Asking is also the sign that this seat is there. */
  chats(): Promise<Chats> {
    return this.send("/api/chats");
  }

  chat(id: number): Promise<Chat> {
    return this.send(`/api/chats/${id}`);
  }

  take(id: number): Promise<Handover> {
    return this.send(`/api/chats/${id}/take`, { method: "POST" });
  }

  /** Said once for each key. */
  say(id: number, key: string, text: string): Promise<{ id: number }> {
    return this.send(`/api/chats/${id}/remarks`, { body: { key, text } });
  }

  handBack(id: number): Promise<Handover> {
    return this.send(`/api/chats/${id}/hand-back`, { method: "POST" });
  }

  close(id: number): Promise<Handover> {
    return this.send(`/api/chats/${id}/close`, { method: "POST" });
  }

  /** Opened once for each key. */
  file(id: number, key: string, matter: Matter): Promise<{ number: string }> {
    return this.send(`/api/chats/${id}/work-orders`, { body: matter, headers: { "Idempotency-Key": key } });
  }

  categories(): Promise<Category[]> {
    return this.send("/api/categories");
  }

  areas(): Promise<Area[]> {
    return this.send("/api/areas");
  }

  async attachment(id: string): Promise<Blob> {
    return (await this.fetched(`/api/attachments/${id}`)).blob();
  }
}
