/** `npm start` itself: a first start on an empty folder serves, with a connector to try, and ends well. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
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

test('a password of the first account that the operator gave is not printed', async () => {
  const server = await startServer();
  try {
    await server.adminToken();
    assert.ok(!server.output().includes('correct-horse-battery'));
  } finally {
    await server.stop();
  }
});
