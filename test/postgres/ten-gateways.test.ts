/** Many gateways that start at once on an empty database make one installation: tables, account, connector and CA. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { newConnector, resource, through } from '../helpers/connector.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { startServer, type TestServer } from '../helpers/server.ts';

const GATEWAYS = 10;
let postgres: TestPostgres | undefined;
before(async () => {
  postgres = await startPostgres();
});
after(() => postgres?.remove());

test('ten gateways that start at once on an empty database share one CA, which each has in its folder, and serve one system', async () => {
  const env = { SLIPWAY_DATABASE_URL: await postgres!.newDatabase() };
  const starts = await Promise.allSettled(Array.from({ length: GATEWAYS }, () => startServer({ env })));
  const servers = starts.flatMap((start): TestServer[] => (start.status === 'fulfilled' ? [start.value] : []));
  try {
    for (const start of starts)
      assert.equal(start.status, 'fulfilled', start.status === 'rejected' ? `${start.reason}` : '');
    const files = servers.map(({ data }) => {
      const read = (name: string) => readFileSync(join(data, 'ca', name), 'utf8');
      assert.equal(statSync(join(data, 'ca', 'ca-key.pem')).mode & 0o077, 0, 'the key is for its account alone');
      const server = new X509Certificate(read('server.pem'));
      assert.ok(
        server.verify(new X509Certificate(read('ca.pem')).publicKey),
        'it signed the certificate of this gateway',
      );
      return read('ca.pem') + read('ca-key.pem');
    });
    assert.equal(new Set(files).size, 1, 'one CA');
    const connector = await newConnector(servers[0]!, { resources: { a: resource() } });
    const token = await connector.provision('d');
    for (const [n, server] of servers.entries()) {
      assert.equal(await through(server, connector).write(`a=${n}`, { token }), 204);
      const { body } = await server.api('GET', '/api:1/connectors');
      assert.equal(body.length, 2, 'the first connector and this one');
    }
    const values = (await connector.history('d', 'a')).map(({ value }) => value);
    assert.deepEqual(
      values,
      servers.map((_, n) => `${n}`),
    );
  } finally {
    for (const server of servers) await server.stop();
  }
});
