/** A question to the management API, and how long its answer took. */
import { type Agent, get } from 'node:http';
import type { Slipway } from './slipway.ts';

/** ms from the request to the last byte of the answer, and that. `path`: below the connector. Throws on anything but 200. */
export function timed(
  server: Slipway,
  agent: Agent,
  path: string,
): Promise<{ readonly ms: number; readonly body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ ms: number; body: string }>();
  const { consolePort: port, authorization, connector } = server;
  const start = performance.now();
  const request = get(
    { port, agent, headers: { authorization }, path: `/api:1/service/${connector}/device2${path}` },
    (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        const ms = performance.now() - start;
        const body = Buffer.concat(parts).toString();
        if (response.statusCode === 200) resolve({ ms, body });
        else reject(new Error(`${path} was answered ${response.statusCode}: ${body}`));
      });
    },
  );
  request.on('error', reject);
  return promise;
}
