/** Devices for a bench: provisioned as devices are, and the bytes of the requests that they send. */
import { generateKeyPairSync } from 'node:crypto';
import { issueDevice } from '../src/x509/issue.ts';
import type { Helper } from './helper.ts';
import type { LoadAnswer } from './load/http.ts';
import type { Slipway } from './slipway.ts';

/** What curl and most firmware send besides. */
const usual = 'User-Agent: curl/8.5.0\r\nAccept: */*\r\n';
const form = 'Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n';

/** `authorization`: the header's value; empty = none. */
export function post(host: string, path: string, body: string, authorization = ''): string {
  const credential = authorization === '' ? '' : `Authorization: ${authorization}\r\n`;
  return `POST ${path} HTTP/1.1\r\nHost: ${host}\r\n${usual}${form}${credential}Content-Length: ${body.length}\r\n\r\n${body}`;
}

/** `headers`: further lines, each with its CRLF. */
export const get = (host: string, path: string, token: string, headers = '') =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${usual}Authorization: Token ${token}\r\n${headers}\r\n`;

/** Asks for nothing that is stored, and of nobody in particular. */
export const getTime = (host: string) => `GET /timestamp HTTP/1.1\r\nHost: ${host}\r\n${usual}\r\n`;

export const activation = (host: string, identity: string) => post(host, '/provision/activate', `id=${identity}`);

export const write = (host: string, token: string, value: number | string) =>
  post(host, '/onep:v1/stack/alias', `temperature=${value}`, `Token ${token}`);

/** A device's certificate and key, PEM, of the key type that most devices have. */
export function clientCertificate(identity: string): { cert: string; key: string } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const day = 86_400_000;
  const validity = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + 365 * day) };
  const cert = issueDevice(identity, privateKey, null, validity);
  return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/** The resource that all benches write: state and history are kept of it. */
export async function defineTemperature(server: Slipway): Promise<void> {
  const resources = { temperature: { format: 'number', unit: '°C', settable: false } };
  await server.api('PATCH', '', { resources, provisioning: { presenter_identity: true } });
}

/** Devices that register themselves; their tokens. `pool`: open connections of the load generator to the server. */
export async function provision(
  server: Slipway,
  load: Helper,
  pool: string,
  count: number,
  prefix = 'bench-',
): Promise<string[]> {
  const requests = Array.from({ length: count }, (_, n) => activation(server.host, `${prefix}${n}`));
  const { bodies } = await load.ask<LoadAnswer>({ kind: 'spend', name: pool, requests });
  return [...bodies];
}

/** Throws unless the history of the devices holds exactly the writes that were acknowledged: a fast lie is no figure. */
export async function checkStored(server: Slipway, devices: number, acknowledged: number): Promise<void> {
  let stored = 0;
  for (let n = 0; n < devices; n += 1) {
    const history = `/identity/bench-${n}/history?alias=temperature&bucket=86400`;
    const { points } = await server.api<{ points: { count: number }[] }>('GET', history);
    stored += points.reduce((sum, { count }) => sum + count, 0);
  }
  if (stored !== acknowledged) throw new Error(`${acknowledged} writes were acknowledged, ${stored} are stored`);
}
