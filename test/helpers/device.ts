/** A device's side of HTTPS by Node's own client, for scenarios that need many, parallel or waiting calls. */
import { readFileSync } from 'node:fs';
import { type Agent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { assertShape, type RawResponse } from './response.ts';
import type { TestServer } from './server.ts';

/** As the tutorial sends it. */
export const formType = 'application/x-www-form-urlencoded; charset=utf-8';

export interface Credentials {
  readonly token?: string;
  readonly basic?: readonly [identity: string, password: string];
  /** PEM; `cert` may hold intermediates after the leaf. */
  readonly certificate?: { readonly cert: string; readonly key: string };
}

export interface DeviceRequest extends Credentials {
  readonly method?: string;
  readonly body?: string | Buffer;
  /** `null` sends none. */
  readonly contentType?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Name in `Host`, if not that of the connector. */
  readonly host?: string;
  /** SNI, if not `host`. */
  readonly servername?: string;
  /** Over the plain HTTP port. */
  readonly plain?: boolean;
  /** Keeps connections of the plain HTTP port alive; without one, each request has its own. */
  readonly agent?: Agent;
  readonly signal?: AbortSignal;
}

/** Sends one request and checks the answer's shape. The method is POST where there is a body. */
export function send(
  server: TestServer,
  connector: string,
  path: string,
  request: DeviceRequest = {},
): Promise<RawResponse> {
  const host = request.host ?? `${connector}.m2.localhost`;
  const options: RequestOptions = {
    host: '127.0.0.1',
    path,
    method: request.method ?? (request.body === undefined ? 'GET' : 'POST'),
    headers: headersOf(request, `${host}:${request.plain ? server.http : server.https}`),
    agent: request.agent ?? false,
    signal: request.signal,
  };
  const { promise, resolve, reject } = Promise.withResolvers<RawResponse>();
  const call = request.plain
    ? httpRequest({ ...options, port: server.http })
    : httpsRequest({
        ...options,
        port: server.https,
        servername: request.servername ?? host,
        ca: readFileSync(server.caPath),
        ...request.certificate,
      });
  call.once('error', reject);
  call.once('response', (message) => {
    readAnswer(message)
      .then((answer) => {
        assertShape(answer);
        return answer;
      })
      .then(resolve, reject);
  });
  call.end(request.body);
  return promise;
}

function headersOf(request: DeviceRequest, host: string): Record<string, string> {
  const headers: Record<string, string> = { Host: host };
  const type = request.contentType === undefined ? formType : request.contentType;
  if (request.body !== undefined && type !== null) headers['Content-Type'] = type;
  if (request.token !== undefined) headers.Authorization = `Token ${request.token}`;
  if (request.basic !== undefined)
    headers.Authorization = `Basic ${Buffer.from(request.basic.join(':')).toString('base64')}`;
  return { ...headers, ...request.headers };
}

async function readAnswer(message: IncomingMessage): Promise<RawResponse> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  const head: string[] = [];
  for (let at = 0; at < message.rawHeaders.length; at += 2) {
    head.push(`${message.rawHeaders[at]}: ${message.rawHeaders[at + 1]}`);
  }
  return {
    status: message.statusCode ?? 0,
    line: `HTTP/${message.httpVersion} ${message.statusCode} ${message.statusMessage}`,
    head,
    headers: message.headers as Record<string, string>,
    body: Buffer.concat(chunks).toString('utf8'),
  };
}
