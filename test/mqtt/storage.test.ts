/** device-mqtt.md: where storage fails nothing is acknowledged, new connections are told so, and all goes on once it is back. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { eventually, newConnector, resource } from '../helpers/connector.ts';
import { byToken, connected, message, openMqtt, packetOf, versions } from '../helpers/mqtt.ts';
import { root, startServer } from '../helpers/server.ts';
import { runTool } from '../helpers/tool.ts';

/** Bytes to which no file may grow once storage is to fail: less than any write needs. */
const NOTHING = 4096;

// The limit is taken and given back from outside; its signal must not end the server.
const ignoring = `trap '' XFSZ; exec "$0" src/main.ts serve`;
const server = await startServer({ command: ['bash', '-c', ignoring, `${root}/node_modules/.bin/node`] });
after(() => server.stop());
const connector = await newConnector(server, { resources: { a: resource() } });

/** A file size limit: a disk that takes no more, without filling one. */
async function limitFiles(bytes: number | 'unlimited'): Promise<void> {
  // The shell has become the server.
  const result = await runTool('prlimit', ['--pid', `${server.process.pid}`, `--fsize=${bytes}:unlimited`]);
  assert.equal(result.code, 0, result.stderr);
}

for (const [version, name] of versions) {
  // 3.1.1 [MQTT-4.8.0-2]
  test(`${name}: no PUBACK while storage is away, and everything goes on by itself once it is back`, async () => {
    const identity = `d-${version}`;
    const token = await connector.provision(identity);
    const client = await connected(server, token, version);
    await client.send(message('$resource/a', 'before', 1));
    assert.equal((await client.next()).cmd, 'puback');
    await limitFiles(NOTHING);
    try {
      await client.send(message('$resource/a', 'meanwhile', 2));
      const rest = await client.closed();
      assert.ok(!rest.some(({ cmd }) => cmd === 'puback'));
      if (version === 5) assert.equal(rest.at(-1).reasonCode, 0x89);
      client.destroy();
      const refused = await openMqtt(server, version);
      const connack = await refused.connect(byToken(token));
      assert.equal(connack.returnCode ?? connack.reasonCode, version === 4 ? 3 : 0x88);
      assert.deepEqual(await refused.closed(), []);
      refused.destroy();
      const batch = await openMqtt(server, version);
      await batch.connect();
      await batch.send(packetOf(0xc0));
      assert.equal((await batch.next()).cmd, 'pingresp');
      batch.destroy();
    } finally {
      await limitFiles('unlimited');
    }
    await eventually('it is served again', async () => {
      const again = await openMqtt(server, version);
      const connack = await again.connect(byToken(token));
      const accepted = (connack.returnCode ?? connack.reasonCode) === 0;
      if (accepted) {
        await again.send(message('$resource/a', 'after', 2));
        assert.equal((await again.next()).cmd, 'puback');
      }
      again.destroy();
      return accepted;
    });
    assert.deepEqual(
      (await connector.history(identity, 'a')).map(({ value }) => value),
      ['before', 'after'],
    );
  });
}
