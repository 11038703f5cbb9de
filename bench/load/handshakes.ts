/**
 * Devices that connect with a client certificate, as a process of its own: a full TLS handshake, one small request, and the
 * connection ends. The request is there because with TLS 1.3 a client is done before the server has looked at its certificate.
 */
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { answerQuestions } from '../helper.ts';
import type { Target } from './connection.ts';
import type { LoadAnswer } from './http.ts';

export interface HandshakesQuestion {
  readonly target: Target;
  /** Of the devices, PEM. */
  readonly certificate: { readonly cert: string; readonly key: string };
  readonly request: string;
  readonly seconds: number;
}

/** Handshakes under way at once. */
const AT_ONCE = 16;

answerQuestions<HandshakesQuestion>(async ({ target, certificate, request, seconds }) => {
  // The key exchange that small devices do.
  const context = createSecureContext({ ca: target.tls!.ca, ecdhCurve: 'prime256v1', ...certificate });
  const bytes = Buffer.from(request);
  const cpu = process.cpuUsage();
  const start = performance.now();
  let answered = 0;
  const device = async () => {
    while (performance.now() < start + seconds * 1000) {
      await visit(target, context, bytes);
      answered += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, device));
  const elapsed = (performance.now() - start) / 1000;
  const used = process.cpuUsage(cpu);
  const share = (used.user + used.system) / 1e6 / elapsed;
  return { answered, byConnection: [], seconds: elapsed, share, bodies: [] } satisfies LoadAnswer;
});

/** Resolves when the connection has ended; rejects unless the handshake was a full one and the answer a 2xx. */
function visit(target: Target, secureContext: SecureContext, request: Buffer): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const { port, tls } = target;
  const socket: TLSSocket = connect({ host: '127.0.0.1', port, servername: tls!.servername, secureContext });
  socket.once('error', reject);
  socket.once('close', () => reject(new Error('the server closed a connection')));
  socket.once('data', (answer: Buffer) => {
    const status = answer.toString('latin1', 9, 12);
    if (socket.isSessionReused()) reject(new Error('a TLS session was resumed'));
    else if (!status.startsWith('2')) reject(new Error(`the server answered ${answer.toString('latin1')}`));
    else resolve();
    socket.destroy();
  });
  socket.end(request);
  return promise;
}
