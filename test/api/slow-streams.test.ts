/** The memory of a server of which hundreds of streams of the log are open and not read. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { newConnector } from '../helpers/connector.ts';
import { admin, startServer } from '../helpers/server.ts';

const SESSIONS = 10;
const STREAMS = 200;

test('hundreds of streams that nobody reads, of large events, are served with a small heap', async () => {
  const command = [process.execPath, '--max-old-space-size=160', 'src/main.ts', 'serve'] as const;
  const server = await startServer({ command });
  try {
    const connector = await newConnector(server);
    const token = await connector.provision('d1');
    for (let n = 0; n < 40; n += 1) assert.equal(await connector.write(`a=${'x'.repeat(1_000_000)}`, { token }), 204);
    const tokens = await Promise.all(
      Array.from({ length: SESSIONS }, async () => {
        const { body } = await server.api('POST', '/api:1/token/', admin);
        return body.token as string;
      }),
    );
    const sockets = Array.from({ length: STREAMS }, (_, n) => {
      const socket = connect(server.console, '127.0.0.1').on('error', () => {});
      const path = `/api:1/service/${connector.id}/device2/events${n % 2 === 0 ? '/stream' : '.ndjson'}?after=0`;
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: token ${tokens[n % SESSIONS]}\r\n\r\n`);
      return socket;
    });
    await Promise.all(sockets.map((socket) => once(socket, 'readable')));
    for (let n = 0; n < 20; n += 1) {
      await delay(250);
      assert.equal(await connector.write('a=1', { token }), 204);
    }
    for (const socket of sockets) socket.destroy();
    assert.equal((await connector.api('GET', '/events?limit=1')).status, 200);
  } finally {
    await server.stop();
  }
});
