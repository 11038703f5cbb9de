/** What a durable write is compared with: a bare `node:http` (or `node:https`) server that reads the body and answers 204. */
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { answerQuestions } from '../helper.ts';

/** Null: plain. Otherwise a certificate and its key, PEM; client certificates are asked for, as the device door does. */
export interface ReferenceQuestion {
  readonly tls: { readonly cert: string; readonly key: string } | null;
}

const answer: RequestListener = (request, response) => {
  request.resume();
  request.on('end', () => {
    response.statusCode = 204;
    response.end();
  });
};

answerQuestions<ReferenceQuestion>(({ tls }) => {
  const server =
    tls === null ? createHttp(answer) : createHttps({ ...tls, requestCert: true, rejectUnauthorized: false }, answer);
  // Connections wait while it is the other's turn; this costs nothing per request.
  server.keepAliveTimeout = 600_000;
  const { promise, resolve } = Promise.withResolvers<number>();
  server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  return promise;
});
