/** What webhooks are sent to: an HTTP server on loopback that notes what comes, and does with it what it is told to. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert each field that they read
  readonly events: readonly any[];
}

export type Behaviour = (request: IncomingMessage, response: ServerResponse) => void;

export interface Receiver {
  readonly url: string;
  /** What was answered with 204, in order. */
  readonly taken: Received[];
  /** Requests that came, whatever became of them. */
  readonly tries: Received[];
  /** Sequence numbers of what was taken, in order. */
  seqs(): number[];
  /** What it does with the next ones; null: takes them. */
  behave(behaviour: Behaviour | null): void;
  /** Stops listening, and begins again at the same port. */
  down(): Promise<void>;
  up(): Promise<void>;
  close(): Promise<void>;
}

export async function startReceiver(behaviour: Behaviour | null = null): Promise<Receiver> {
  const taken: Received[] = [];
  const tries: Received[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    try {
      for await (const chunk of request.setEncoding('utf8')) body += chunk;
    } catch {
      return; // cut off
    }
    const received = { headers: request.headers, body, events: JSON.parse(body).events };
    tries.push(received);
    if (behaviour !== null) return behaviour(request, response);
    taken.push(received);
    response.writeHead(204).end();
  });
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const down = async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    taken,
    tries,
    seqs: () => taken.flatMap(({ events }) => events.map(({ seq }) => seq)),
    behave: (next) => {
      behaviour = next;
    },
    down,
    up: () => listen(port),
    close: async () => {
      if (server.listening) await down();
    },
  };
}

/** As the documents say that a receiver has to do it. */
export function assertSigned({ headers, body }: Received, secret: string): void {
  const [, t, v1] =
    /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['slipway-signature'])) ?? assert.fail('no signature');
  assert.equal(v1, createHmac('sha256', secret).update(`${t}.${body}`).digest('hex'));
}
