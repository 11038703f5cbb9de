/**
 * Load over keep-alive connections, as a process of its own: each connection sends its next request when the answer to
 * the last one is there. Any answer that is no 2xx fails the run.
 */
import { answerQuestions } from '../helper.ts';
import { type Connection, contextOf, open, type Target } from './connection.ts';

export type LoadQuestion =
  /** Connects; `name` is how later questions call these connections. */
  | { readonly kind: 'open'; readonly name: string; readonly target: Target; readonly connections: number }
  /** Each connection goes round its own requests until the time is over. */
  | { readonly kind: 'run'; readonly name: string; readonly seconds: number; readonly requests: string[][] }
  /** All connections together send each request once. */
  | { readonly kind: 'spend'; readonly name: string; readonly requests: string[] };

export interface LoadAnswer {
  /** Requests answered, and of those, by connection. */
  readonly answered: number;
  readonly byConnection: readonly number[];
  readonly seconds: number;
  /** What the generator itself used, as a share of a core. */
  readonly share: number;
  /** Bodies of the answers, in no order; only for `spend`. */
  readonly bodies: readonly string[];
}

interface Client {
  readonly connection: Connection;
  /** What to do with the next answer. */
  answered: (status: number, body: string) => void;
}

const pools = new Map<string, Client[]>();
let fail: (error: Error) => void = () => {};

answerQuestions<LoadQuestion>(async (question) => {
  if (question.kind === 'open') return openPool(question.name, question.target, question.connections);
  const clients = pools.get(question.name)!;
  if (question.kind === 'run') return run(clients, question.requests, question.seconds);
  return spend(clients, question.requests);
});

async function openPool(name: string, target: Target, count: number): Promise<void> {
  const context = contextOf(target);
  const clients: Client[] = [];
  for (let n = 0; n < count; n += 1) {
    const client: { -readonly [K in keyof Client]?: Client[K] } = { answered: () => {} };
    const onAnswer = (status: number, body: string) => client.answered!(status, body);
    client.connection = await open(target, context, onAnswer, (error) => fail(error));
    clients.push(client as Client);
  }
  pools.set(name, clients);
}

/** Requests of a connection, one after the other, until the deadline. */
function run(clients: readonly Client[], texts: readonly string[][], seconds: number): Promise<LoadAnswer> {
  const deadline = performance.now() + seconds * 1000;
  const requests = texts.map((list) => list.map((text) => Buffer.from(text)));
  const positions = clients.map(() => 0);
  return measure(clients, (client) => {
    if (performance.now() >= deadline) return null;
    const own = requests[client]!;
    return own[positions[client]!++ % own.length]!;
  });
}

async function spend(clients: readonly Client[], texts: readonly string[]): Promise<LoadAnswer> {
  const requests = texts.map((text) => Buffer.from(text));
  const bodies: string[] = [];
  let next = 0;
  const answer = await measure(clients, () => requests[next++] ?? null, bodies);
  return { ...answer, bodies };
}

/** Sends what `next` gives to each connection until it gives null to all. */
async function measure(
  clients: readonly Client[],
  next: (client: number) => Buffer | null,
  bodies: string[] | null = null,
): Promise<LoadAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  fail = reject;
  const byConnection = clients.map(() => 0);
  let active = clients.length;
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (const [at, client] of clients.entries()) {
    const send = () => {
      const request = next(at);
      if (request !== null) client.connection.send(request);
      else if (--active === 0) resolve();
    };
    client.answered = (status, body) => {
      if (status < 200 || status > 299) {
        reject(new Error(`the server answered ${status} ${body}`));
        return;
      }
      byConnection[at]! += 1;
      if (bodies !== null) bodies.push(body);
      send();
    };
    send();
  }
  await promise;
  const seconds = (performance.now() - start) / 1000;
  const used = process.cpuUsage(cpu);
  return {
    answered: byConnection.reduce((sum, n) => sum + n, 0),
    byConnection,
    seconds,
    share: (used.user + used.system) / 1e6 / seconds,
    bodies: [],
  };
}
