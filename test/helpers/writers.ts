/** Devices that write all the time, over several gateways, and what became of each write: for tests that break something. */
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually, type TestConnector } from './connector.ts';

interface Answered {
  readonly value: string;
  /** Null: the connection ended without an answer. */
  readonly status: number | null;
  readonly retryAfter: string | undefined;
  /** ms, as performance.now(). */
  readonly sent: number;
  readonly at: number;
}

export interface Writers {
  /** Every write so far. */
  readonly answers: readonly Answered[];
  /** Statuses of the writes that were sent and answered between the two times. */
  between(from: number, to: number): (number | null)[];
  /** Resolves when every gateway acknowledges again; ms since the call. */
  recovered(): Promise<number>;
  /** Ends them. */
  stop(): Promise<void>;
  /** Ends them, and holds what is stored against what was answered; how many writes were acknowledged. */
  finish(): Promise<number>;
}

/** Each writer has a device of its own, and one request under way at a time. */
export async function startWriters(gateways: readonly TestConnector[], perGateway = 4): Promise<Writers> {
  const answers: (Answered & { readonly gateway: TestConnector; readonly identity: string })[] = [];
  let running = true;
  const agent = new Agent({ keepAlive: true });
  const write = async (gateway: TestConnector, identity: string, token: string, value: string) => {
    const sent = performance.now();
    const request = { token, body: `n=${value}`, plain: true, agent, signal: AbortSignal.timeout(60_000) };
    const answer = await gateway.send('/api:v1/stack/alias', request).catch((error: Error) => {
      // Whatever the server does say has to be said as it should be.
      if (error instanceof assert.AssertionError) throw error;
      return null;
    });
    const retryAfter = answer?.headers['retry-after'];
    const at = performance.now();
    answers.push({ gateway, identity, value, status: answer?.status ?? null, retryAfter, sent, at });
    if (answer?.status !== 204) await delay(20);
  };
  const loops: Promise<void>[] = [];
  for (const [g, gateway] of gateways.entries()) {
    for (let n = 0; n < perGateway; n += 1) {
      const identity = `writer-${process.pid}-${++writers}-${g}-${n}`;
      const token = await gateway.provision(identity);
      loops.push(
        (async () => {
          for (let at = 0; running; at += 1) await write(gateway, identity, token, `${identity}-${at}`);
        })(),
      );
    }
  }
  const stop = async () => {
    running = false;
    await Promise.all(loops);
    agent.destroy();
  };
  return {
    answers,
    between: (from, to) => answers.filter(({ sent, at }) => sent >= from && at <= to).map(({ status }) => status),
    async recovered() {
      const start = performance.now();
      const acknowledges = (gateway: TestConnector) =>
        answers.some((answer) => answer.gateway === gateway && answer.status === 204 && answer.sent > start);
      await eventually('every gateway acknowledges again', async () => gateways.every(acknowledges));
      return performance.now() - start;
    },
    stop,
    async finish() {
      await stop();
      const acknowledged = answers.filter(({ status }) => status === 204);
      for (const { status, retryAfter, value } of answers) {
        assert.ok(status === 204 || status === 503 || status === null, `${value} got ${status}`);
        if (status === 503) assert.match(retryAfter ?? '', /^\d+$/, `${value} got 503 without Retry-After`);
      }
      for (const [identity, mine] of Map.groupBy(answers, (answer) => answer.identity)) {
        const stored = await valuesOf(gateways[0]!, identity);
        const times = Map.groupBy(stored, (value) => value);
        for (const { value, status } of mine) {
          const n = times.get(value)?.length ?? 0;
          if (status === 204) assert.equal(n, 1, `${value} was acknowledged and is there ${n} times`);
          if (status === 503) assert.equal(n, 0, `${value} was refused and is there`);
          assert.ok(n <= 1, `${value} got no answer and is there ${n} times`);
        }
        const { n } = await gateways[0]!.state(identity);
        const last = mine.findLast(({ status }) => status === 204)!.value;
        const later = mine.slice(mine.findLastIndex(({ status }) => status === 204)).map(({ value }) => value);
        assert.ok(later.includes(n.reported), `${identity} has ${n.reported}, and ${last} was acknowledged last`);
      }
      return acknowledged.length;
    },
  };
}

let writers = 0;

/** By the log: each write is one event there. */
async function valuesOf(gateway: TestConnector, identity: string): Promise<string[]> {
  const values: string[] = [];
  for (let before = ''; ; ) {
    const query = `/events?types=data_in&identity=${identity}&limit=1000${before}`;
    const { status, body, text } = await gateway.api('GET', query);
    assert.equal(status, 200, text);
    for (const { payload } of body.events) for (const { values: given } of payload) values.push(given.n);
    if (!body.mayLoadMore) return values;
    before = `&before=${body.events.at(-1).seq}`;
  }
}
