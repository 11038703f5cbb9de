/** What an idle TLS connection is compared with: a bare `node:tls` server, which answers the first bytes of each connection and then is silent. */
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { answerQuestions } from '../helper.ts';

/** Certificate and key, PEM; client certificates are asked for, as the device doors do. `answer`: base64. Answered with the port. */
export interface TlsQuestion {
  readonly tls: { readonly cert: string; readonly key: string };
  readonly answer: string;
}

answerQuestions<TlsQuestion>(({ tls, answer }) => {
  const bytes = Buffer.from(answer, 'base64');
  const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, (socket) => {
    socket.once('data', () => socket.write(bytes));
    // Connections break when the load ends.
    socket.on('error', () => socket.destroy());
    socket.resume();
  });
  const { promise, resolve } = Promise.withResolvers<number>();
  server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  return promise;
});
