/**
 * Values on their way to one device: sent oldest first, each until it is acknowledged. Holds no values: at most one of an
 * alias is on its way, and the next is read from the store when there is room for it, so that it is the newest by then.
 */
import type { PendingValue } from '../../store/store.ts';

export interface OutgoingDeps {
  /** The oldest value to be sent, of an alias that is not in `except`. */
  next(except: ReadonlySet<string>): Promise<PendingValue | null>;
  acknowledge(alias: string, setAt: number): void;
  /** Sends; false if the client cannot take it at all. */
  send(id: number, value: PendingValue): boolean;
  /** Whether the socket has room. */
  ready(): boolean;
  /** Values that may be on their way at a time. */
  readonly limit: number;
  onError(error: unknown): void;
}

export class Outgoing {
  readonly #deps: OutgoingDeps;
  /** By packet identifier. */
  readonly #sent = new Map<number, { readonly alias: string; readonly setAt: number }>();
  /** Aliases of those, and of values that are too large for this client. */
  readonly #passed = new Set<string>();
  #lastId = 0;
  #pumping = false;
  /** There may be something to send. */
  #news = false;

  constructor(deps: OutgoingDeps) {
    this.#deps = deps;
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
      (error) => this.#deps.onError(error),
    );
  }

  /** The cloud set these: one that was too large may not be any more. */
  changed(aliases: readonly string[]): void {
    const sent = new Set([...this.#sent.values()].map(({ alias }) => alias));
    for (const alias of aliases) if (!sent.has(alias)) this.#passed.delete(alias);
    this.pump();
  }

  /** 5.0 [MQTT-4.4.0-2]: with whatever reason code. An identifier that is not on its way means nothing. */
  acknowledged(id: number): void {
    const sent = this.#sent.get(id);
    if (sent === undefined) return;
    this.#sent.delete(id);
    this.#passed.delete(sent.alias);
    this.#deps.acknowledge(sent.alias, sent.setAt);
    this.pump();
  }

  async #run(): Promise<void> {
    const { limit, next, ready, send } = this.#deps;
    while (this.#news) {
      this.#news = false;
      // 5.0 [MQTT-3.3.4-9] [MQTT-4.9.0-1] [MQTT-4.9.0-2]
      while (this.#sent.size < limit && ready()) {
        const value = await next(this.#passed);
        if (value === null || !ready()) break;
        const id = this.#unusedId();
        this.#passed.add(value.alias);
        // 5.0 [MQTT-3.1.2-25]: one that is too large is passed over, as if it had been sent.
        if (send(id, value)) this.#sent.set(id, { alias: value.alias, setAt: value.setAt });
      }
    }
  }

  /** 3.1.1 [MQTT-2.3.1-4] [MQTT-4.3.2-1], 5.0 [MQTT-2.2.1-4] [MQTT-4.3.2-1] */
  #unusedId(): number {
    do this.#lastId = (this.#lastId % 65_535) + 1;
    while (this.#sent.has(this.#lastId));
    return this.#lastId;
  }
}
