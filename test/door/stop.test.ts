/** running.md: SIGTERM finishes what is under way, ends what waits, and exits 0 within 10 s; what was said to be stored is. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { newConnector, resource } from '../helpers/connector.ts';
import { openTcp, openTls } from '../helpers/raw.ts';
import { startServer } from '../helpers/server.ts';

test('SIGTERM with idle, waiting and half-sent connections open ends with 0, and every 204 is on disk afterwards', async () => {
  const data = await mkdtemp(join(tmpdir(), 'slipway-test-'));
  const server = await startServer({ data });
  const connector = await newConnector(server, { resources: { a: resource() } });
  const token = await connector.provision('d1');
  const head = `Host: ${connector.fqdn}\r\nAuthorization: Token ${token}\r\n`;
  const [idle, waiting, halfSent, tls] = [
    await openTcp(server),
    await openTcp(server),
    await openTcp(server),
    await openTls(server, connector.fqdn),
  ];
  await waiting.send(`GET /api:v1/stack/alias?a HTTP/1.1\r\n${head}Request-Timeout: 300000\r\n\r\n`);
  await halfSent.send(`POST /api:v1/stack/alias HTTP/1.1\r\n${head}Content-Length: 30\r\n\r\na=half`);
  await delay(200);
  const stored: string[] = [];
  const writing = (async () => {
    for (let at = 0; ; at++) {
      const status = await connector.write(`a=w${at}`, { token, plain: true }).catch(() => null);
      if (status === 204) stored.push(`w${at}`);
      else return;
    }
  })();
  await delay(200);
  await server.stop();
  await writing;
  const ended = (await waiting.closed()).toString('latin1');
  assert.match(ended, /^HTTP\/1\.1 (200|304|503) /);
  for (const connection of [idle, halfSent, tls]) await connection.closed();

  const again = await startServer({ data });
  try {
    const { body } = await again.api(
      'GET',
      `/api:1/service/${connector.id}/device2/identity/d1/history?alias=a&limit=10000`,
    );
    const values = new Set(body.points.map((point: { value: string }) => point.value));
    assert.ok(stored.length > 0);
    for (const value of stored) assert.ok(values.has(value), value);
    assert.ok(!values.has('half'));
  } finally {
    await again.stop();
    await rm(data, { recursive: true, force: true });
  }
});
