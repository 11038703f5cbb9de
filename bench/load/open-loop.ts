/**
 * Requests at a given rate, whether the server keeps up or not, as a process of its own. Each one's time runs from the moment at
 * which it was due, not from when a connection was free for it: a server that stalls is charged for all that had to wait
 * ("coordinated omission" otherwise).
 */
import { answerQuestions } from '../helper.ts';
import { percentile } from '../measure.ts';
import { type Connection, contextOf, open, type Target } from './connection.ts';

export type OpenLoopQuestion =
  | { readonly kind: 'open'; readonly name: string; readonly target: Target; readonly connections: number }
  /** `requests`: in turn, on whatever connection is free; `rate`: of them a second. */
  | {
      readonly kind: 'run';
      readonly name: string;
      readonly requests: readonly string[];
      readonly rate: number;
      readonly seconds: number;
    };

/** ms. */
export interface LatencyAnswer {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly answered: number;
  readonly seconds: number;
  /** How late this process itself came with what was due, at the 99th percentile; connections that were all busy are not its fault. */
  readonly late: number;
  /** Requests that found no free connection. */
  readonly queued: number;
}

interface Client {
  connection: Connection;
  /** When the request under way was due. */
  due: number;
}

/** s that the answers may take once the last request was due. */
const PATIENCE = 30;

const pools = new Map<string, Client[]>();
let onAnswer: (client: Client, status: number, body: string) => void = () => {};
let fail: (error: Error) => void = () => {};

answerQuestions<OpenLoopQuestion>((question) =>
  question.kind === 'open' ? openPool(question) : run(pools.get(question.name)!, question),
);

async function openPool({ name, target, connections }: OpenLoopQuestion & { kind: 'open' }): Promise<void> {
  const context = contextOf(target);
  const clients: Client[] = [];
  for (let n = 0; n < connections; n += 1) {
    const client = { due: 0 } as Client;
    const answered = (status: number, body: string) => onAnswer(client, status, body);
    client.connection = await open(target, context, answered, (error) => fail(error));
    clients.push(client);
  }
  pools.set(name, clients);
}

async function run(
  clients: readonly Client[],
  { requests: texts, rate, seconds }: OpenLoopQuestion & { kind: 'run' },
): Promise<LatencyAnswer> {
  const requests = texts.map((text) => Buffer.from(text));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  fail = reject;
  const total = Math.round(rate * seconds);
  const times: number[] = [];
  const lateness: number[] = [];
  const free = [...clients];
  /** Due times of requests that wait for a connection, in order. */
  const waiting: number[] = [];
  let waitingHead = 0;
  let sent = 0;
  let due = 0;
  const send = (client: Client, at: number) => {
    client.due = at;
    client.connection.send(requests[sent++ % requests.length]!);
  };
  onAnswer = (client, status, body) => {
    if (status < 200 || status > 299) reject(new Error(`the server answered ${status} ${body}`));
    times.push(performance.now() - client.due);
    if (waitingHead < waiting.length) send(client, waiting[waitingHead++]!);
    else free.push(client);
    if (times.length === total) resolve();
  };
  const start = performance.now();
  const interval = 1000 / rate;
  // Turns without a pause: a timer of a millisecond would add half of one to each figure.
  const turn = () => {
    const now = performance.now();
    while (due < total && start + due * interval <= now) {
      const at = start + due * interval;
      due += 1;
      lateness.push(now - at);
      const client = free.pop();
      if (client === undefined) waiting.push(at);
      else send(client, at);
    }
    if (due < total) setImmediate(turn);
  };
  turn();
  const tooLate = setTimeout(
    () => reject(new Error(`${total - times.length} of ${total} requests were not answered`)),
    (seconds + PATIENCE) * 1000,
  );
  await promise;
  clearTimeout(tooLate);
  const elapsed = (performance.now() - start) / 1000;
  const at = (fraction: number) => percentile(times, fraction);
  const figures = { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) };
  return { ...figures, answered: total, seconds: elapsed, late: percentile(lateness, 0.99), queued: waiting.length };
}
