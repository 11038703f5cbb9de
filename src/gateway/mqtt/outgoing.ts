/**
 * Values on their way to one device: sent oldest first, each until it is acknowledged. Holds no values: at most one of an
 * alias is on its way, and the next is read from the store when there is room for it, so that it is the newest by then.
 */
import type { PendingValue } from '../../store/store.ts';

/** What a connection lends for it. */
export interface Outlet {
  /** The oldest value to be sent, of an alias that is not in `except`. */
  nextValue(except: ReadonlySet<string>): Promise<PendingValue | null>;
  valueTaken(alias: string, setAt: number): void;
  /** Sends; false if the client cannot take it at all. */
  sendValue(id: number, value: PendingValue): boolean;
  /** Whether there is room for another one. */
  hasRoom(): boolean;
  /** Values that may be on their way at a time. */
  readonly valuesMax: number;
  fail(thrown: unknown): void;
}

interface Sent {
  readonly alias: string;
  readonly setAt: number;
}

const nothing: ReadonlySet<string> = new Set();

export class Outgoing {
  readonly #outlet: Outlet;
  /** By packet identifier; null as long as nothing was sent, as mostly nothing is. */
  #sent: Map<number, Sent> | null = null;
  /** Aliases of those, and of values that are too large for this client. */
  #passed: Set<string> | null = null;
  #lastId = 0;
  #pumping = false;
  /** There may be something to send. */
  #news = false;

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
  }

  /** Sends what there is to be sent and may be sent now. */
  pump(): void {
    this.#news = true;
    if (this.#pumping) return;
    this.#pumping = true;
    this.#run().then(
      () => {
        this.#pumping = false;
      },
      (thrown) => this.#outlet.fail(thrown),
    );
  }

  /** The cloud set these: one that was too large may not be any more. */
  changed(aliases: readonly string[]): void {
    const sent = new Set([...(this.#sent?.values() ?? [])].map(({ alias }) => alias));
    for (const alias of aliases) if (!sent.has(alias)) this.#passed?.delete(alias);
    this.pump();
  }

  /** 5.0 [MQTT-4.4.0-2]: with whatever reason code. An identifier that is not on its way means nothing. */
  acknowledged(id: number): void {
    const sent = this.#sent?.get(id);
    if (sent === undefined) return;
    this.#sent!.delete(id);
    this.#passed!.delete(sent.alias);
    this.#outlet.valueTaken(sent.alias, sent.setAt);
    this.pump();
  }

  async #run(): Promise<void> {
    const outlet = this.#outlet;
    while (this.#news) {
      this.#news = false;
      // Nothing else waits for this: 5.0 [MQTT-3.3.4-9] [MQTT-3.3.4-10] [MQTT-4.9.0-1] [MQTT-4.9.0-2] [MQTT-4.9.0-3]
      while ((this.#sent?.size ?? 0) < outlet.valuesMax && outlet.hasRoom()) {
        const value = await outlet.nextValue(this.#passed ?? nothing);
        if (value === null || !outlet.hasRoom()) break;
        this.#send(value);
      }
    }
  }

  #send(value: PendingValue): void {
    const { alias, setAt } = value;
    this.#sent ??= new Map();
    this.#passed ??= new Set();
    const id = this.#unusedId(this.#sent);
    this.#passed.add(alias);
    // On its way until its PUBACK: 5.0 [MQTT-4.3.2-3]
    // 5.0 [MQTT-3.1.2-25]: one that is too large is passed over, as if it had been sent.
    if (this.#outlet.sendValue(id, value)) this.#sent.set(id, { alias, setAt });
  }

  /** 3.1.1 [MQTT-2.3.1-4] [MQTT-4.3.2-1], 5.0 [MQTT-2.2.1-4] [MQTT-4.3.2-1] */
  #unusedId(sent: ReadonlyMap<number, Sent>): number {
    do this.#lastId = (this.#lastId % 65_535) + 1;
    while (sent.has(this.#lastId));
    return this.#lastId;
  }
}
