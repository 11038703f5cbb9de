/**
 * Long polls, as a process of its own: thousands of connections that each register a device, wait for a change of a
 * value, and are woken by writes over a few other connections. Says how long it took until the last one was answered.
 */
import type { SecureContext } from 'node:tls';
import { activation, get, write } from '../devices.ts';
import { answerQuestions } from '../helper.ts';
import { type Connection, contextOf, open, type Target } from './connection.ts';

export type PollsQuestion =
  /** Connects, each with a device of its own. Answers the seconds that it took. */
  | { readonly kind: 'open'; readonly target: Target; readonly host: string; readonly connections: number }
  /** Every connection sends its long poll. */
  | { readonly kind: 'wait'; readonly devices: Devices }
  /** Changes what is waited for; answers when all polls are answered. */
  | { readonly kind: 'wake'; readonly devices: Devices };

/** All connections poll the first device, or each its own. */
export type Devices = 'one' | 'each';

/** Seconds from the first write. */
export interface WakeAnswer {
  readonly first: number;
  readonly last: number;
  /** Until the last write was acknowledged. */
  readonly written: number;
}

/** Connections opened at the same time, so that the handshakes do not time out behind each other. */
const OPENING = 64;
/** Connections that the writes come from. */
const WRITERS = 16;
/** ms that a poll waits, the most that the device API allows. */
const PATIENCE = 300_000;

interface Client {
  ask(request: Buffer): Promise<string>;
}

let host = '';
let clients: Client[] = [];
let writers: Client[] = [];
let tokens: string[] = [];
let answers: Promise<string>[] = [];
let value = 20;

answerQuestions<PollsQuestion>((question) => {
  if (question.kind === 'open') return openAll(question);
  if (question.kind === 'wait') return wait(question.devices);
  return wake(question.devices);
});

async function openAll(question: PollsQuestion & { kind: 'open' }): Promise<number> {
  host = question.host;
  const { target, connections } = question;
  const context = contextOf(target);
  clients = Array(connections);
  tokens = Array(connections);
  const start = performance.now();
  let next = 0;
  const opener = async () => {
    for (let n = next++; n < connections; n = next++) {
      clients[n] = await openClient(target, context);
      tokens[n] = await clients[n]!.ask(Buffer.from(activation(host, `poll-${n}`)));
    }
  };
  await Promise.all(Array.from({ length: OPENING }, opener));
  writers = await Promise.all(Array.from({ length: WRITERS }, () => openClient(target, context)));
  return (performance.now() - start) / 1000;
}

async function openClient(target: Target, context: SecureContext | undefined): Promise<Client> {
  let pending: PromiseWithResolvers<string> | null = null;
  const onAnswer = (status: number, body: string) => {
    if (status === 200 || status === 204) pending?.resolve(body);
    else pending?.reject(new Error(`the server answered ${status} ${body}`));
  };
  const connection: Connection = await open(target, context, onAnswer, (error) => pending?.reject(error));
  return {
    ask(request) {
      pending = Promise.withResolvers<string>();
      connection.send(request);
      return pending.promise;
    },
  };
}

function wait(devices: Devices): void {
  const timeout = `Request-Timeout: ${PATIENCE}\r\n`;
  answers = clients.map((client, n) => {
    const token = tokens[devices === 'one' ? 0 : n]!;
    return client.ask(Buffer.from(get(host, '/onep:v1/stack/alias?temperature', token, timeout)));
  });
  // An answer that fails is reported when the polls are woken.
  for (const answer of answers) answer.catch(() => {});
}

async function wake(devices: Devices): Promise<WakeAnswer> {
  value += 1;
  const wanted = `temperature=${value}`;
  const changed = devices === 'one' ? tokens.slice(0, 1) : tokens;
  const requests = changed.map((token) => Buffer.from(write(host, token, value)));
  const start = performance.now();
  const since = () => (performance.now() - start) / 1000;
  let first = Number.POSITIVE_INFINITY;
  const all = answers.map(async (answer) => {
    const body = await answer;
    if (body !== wanted) throw new Error(`a poll was answered ${JSON.stringify(body)}, expected ${wanted}`);
    first = Math.min(first, since());
  });
  let next = 0;
  const writing = writers.map(async (writer) => {
    for (let n = next++; n < requests.length; n = next++) await writer.ask(requests[n]!);
  });
  await Promise.all(writing);
  const written = since();
  await Promise.all(all);
  return { first, last: since(), written };
}
