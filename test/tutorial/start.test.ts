/** `npm start` itself: a first start on an empty folder serves, with a connector to try, and ends well. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../helpers/connector.ts';
import { runCurl } from '../helpers/curl.ts';
import { startServer } from '../helpers/server.ts';

test('npm start serves a connector named Tutorial whose URL works, and SIGTERM ends it with 0', async () => {
  const server = await startServer({ command: ['npm', 'start'] });
  try {
    const listed = await server.api('GET', '/api:1/connectors');
    assert.equal(listed.status, 200, listed.text);
    const connectors = Array.isArray(listed.body) ? listed.body : listed.body.connectors;
    const tutorial = connectors.find((connector: { name: string }) => connector.name === 'Tutorial');
    assert.ok(tutorial !== undefined, listed.text);
    assert.match(tutorial.id, /^[a-z][a-z0-9]{15}$/);
    assert.ok(server.output().includes(tutorial.fqdn), 'the start does not print the URL of the first connector');
    const { stdout } = await runCurl(server, [`${server.url(tutorial.id)}/timestamp`]);
    assert.match(stdout.toString('latin1'), /^\d{10}$/);
  } finally {
    await server.stop();
  }
});

test('a setting that cannot be used ends the start with a message that names it', async () => {
  await assert.rejects(startServer({ env: { SLIPWAY_HTTPS_PORT: 'many' } }), /SLIPWAY_HTTPS_PORT is "many"/);
});

test('a port that is taken ends the start with a message that names the setting, and the next start shows the password', async () => {
  const taken = createServer().listen(0, '0.0.0.0');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const data = await mkdtemp(join(tmpdir(), 'slipway-test-'));
  const own = { SLIPWAY_ADMIN_PASSWORD: '' };
  try {
    await assert.rejects(
      startServer({ data, env: { ...own, SLIPWAY_HTTPS_PORT: String(port) } }),
      new RegExp(`SLIPWAY_HTTPS_PORT is ${port}, which cannot be used: .*EADDRINUSE`),
    );
    const server = await startServer({ data, env: own });
    // The banner follows the line that tells the ports.
    await eventually('the banner', async () => /password \S{20} \(shown this once\)/.test(server.output()));
    assert.match(server.output(), /Your own +http:\/\/localhost:\d+\/welcome#admin%40localhost:\S{20}$/m);
    await server.stop();
  } finally {
    taken.close();
    await rm(data, { recursive: true, force: true });
  }
});

test('what a start makes is for its own account alone, also in a folder that others may read', async () => {
  const data = await mkdtemp(join(tmpdir(), 'slipway-test-'));
  await chmod(data, 0o755);
  const server = await startServer({ data });
  try {
    for (const name of await readdir(data, { recursive: true })) {
      const { mode } = await stat(join(data, name));
      assert.equal(mode & 0o077, 0, name);
    }
  } finally {
    await server.stop();
    await rm(data, { recursive: true, force: true });
  }
});

test('a password of the first account that the operator gave is not printed', async () => {
  const server = await startServer();
  try {
    await server.adminToken();
    assert.ok(!server.output().includes('correct-horse-battery'));
  } finally {
    await server.stop();
  }
});
