/** `slipway simulate` against a real server: it provisions and runs a fleet, and what it calls acknowledged is stored. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { openFactory } from '../helpers/authority.ts';
import { eventually, newConnector, resource, type TestConnector } from '../helpers/connector.ts';
import { admin, startServer } from '../helpers/server.ts';
import { logged, runFleet, startFleet } from './fleet.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-simulate-'));
const factory = openFactory();
/** The fleets go on when the server comes back: on the ports where it was. */
const [https, mqtt, console, nowhere] = await freePorts(4);
const server = await startServer({
  env: { SLIPWAY_HTTPS_PORT: `${https}`, SLIPWAY_MQTT_PORT: `${mqtt}`, SLIPWAY_CONSOLE_PORT: `${console}` },
});
after(async () => {
  await server.stop();
  factory.remove();
  rmSync(folder, { recursive: true });
});

async function freePorts(count: number): Promise<number[]> {
  const listening = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(listening.map((one) => once(one, 'listening')));
  const ports = listening.map((one) => (one.address() as { port: number }).port);
  await Promise.all(listening.map((one) => new Promise((resolve) => one.close(resolve))));
  return ports;
}

const protocols = ['mqtt', 'https'] as const;
type Protocol = (typeof protocols)[number];

const resources = {
  temperature: resource({ format: 'number', settable: false, allowed: ['-20..60'] }),
  mode: resource({ settable: false, allowed: ['eco', 'full'] }),
  setpoint: resource({ format: 'number' }),
};
const provisioning = (auth_type: string, presenter_identity = false) => ({
  provisioning: { auth_type, presenter_identity },
});
const port = (protocol: Protocol) => `${protocol === 'mqtt' ? mqtt : https}`;
const account = () => ['--api', `http://127.0.0.1:${console}`, '--email', admin.email, '--password', admin.password];
/** With the management API, which says where devices connect. */
const managed = (connector: TestConnector, protocol: Protocol) => [
  ...['--connector', connector.id, ...account(), '--protocol', protocol],
];
/** Without it. */
const alone = ({ fqdn }: TestConnector, protocol: Protocol, ca = server.caPath) => [
  ...['--url', `${protocol === 'mqtt' ? 'mqtts' : 'https'}://${fqdn}:${port(protocol)}`, '--ca', ca],
];
const small = ['--devices', '5', '--rate', '30', '--duration', '2'];

for (const protocol of protocols) {
  describe(`over ${protocol}`, () => {
    for (const auth of ['token', 'password', 'certificate']) {
      test(`devices with a ${auth} are let in, provision, write values that fit, and come again with what was kept`, async () => {
        const connector = await newConnector(server, { resources, ...provisioning(auth) });
        const file = join(folder, `${protocol}-${auth}.jsonl`);
        const args = [...managed(connector, protocol), ...small, '--credentials', file];
        const first = await runFleet(folder, args);
        assert.equal(first.code, 0, JSON.stringify(first.summary) + first.stderr);
        assert.ok(first.summary.acknowledged > 0);
        assert.equal(first.summary.provisioned, 5);
        assert.equal(first.summary.refused, 0);
        assert.deepEqual(await logged(connector), { writes: first.summary.acknowledged, devices: 5 });
        const { body } = await connector.api('GET', '/identity/');
        for (const { identity, auth: has, batch } of body.devices) {
          assert.equal(has.type, auth);
          assert.notEqual(batch, null);
          const { temperature, mode } = await connector.state(identity);
          assert.match(temperature.reported, /^-?\d+(\.\d+)?$/);
          assert.match(mode.reported, /^(eco|full)$/);
        }
        assert.equal(statSync(file).mode & 0o777, 0o600);
        // Now nobody needs to let them in.
        const second = await runFleet(folder, [...alone(connector, protocol), ...small, '--credentials', file]);
        assert.equal(second.code, 0, JSON.stringify(second.summary) + second.stderr);
        assert.ok(second.summary.acknowledged > 0);
        const writes = first.summary.acknowledged + second.summary.acknowledged;
        assert.deepEqual(await logged(connector), { writes, devices: 5 });
        assert.equal((await connector.events('provisioned')).length, 5);
        assert.deepEqual(await connector.events('refused'), []);
      });
    }

    test('devices that are provisioned already, and whose credentials nobody kept, are refused by that reason', async () => {
      const connector = await newConnector(server, { resources });
      const args = [...managed(connector, protocol), ...small, '--seed', '7'];
      assert.equal((await runFleet(folder, args)).code, 0);
      const { code, summary } = await runFleet(folder, args);
      assert.equal(code, 1);
      assert.equal(summary.givenUp, 5);
      const [reason, ...others] = summary.refusals;
      assert.deepEqual(others, []);
      assert.equal(reason.text, 'The identity is already provisioned');
      assert.equal(reason.count, 5);
      assert.match(reason.hint, /--credentials/);
    });

    test('devices that nobody let in are refused by that reason; with self-registration they need nobody', async () => {
      const connector = await newConnector(server, { resources });
      const refused = await runFleet(folder, [...alone(connector, protocol), ...small]);
      assert.equal(refused.code, 1);
      assert.deepEqual(
        refused.summary.refusals.map(({ text, count }: { text: string; count: number }) => [text, count]),
        [['The identity is not whitelisted', 5]],
      );
      await connector.set(provisioning('token', true));
      const taken = await runFleet(folder, [...alone(connector, protocol), ...small]);
      assert.equal(taken.code, 0, taken.stderr);
      assert.equal(taken.summary.provisioned, 5);
    });

    test('writes that the resource does not take are refused by that reason, and are not acknowledged', async () => {
      const never = resource({ format: 'number', settable: false, allowed: [1_000] });
      const connector = await newConnector(server, {
        resources: { temperature: never },
        ...provisioning('token', true),
      });
      const args = [...alone(connector, protocol), ...small, '--aliases', 'temperature'];
      const { code, summary } = await runFleet(folder, args);
      assert.equal(code, 1);
      assert.equal(summary.acknowledged, 0);
      assert.equal(summary.unanswered, 0);
      assert.equal(summary.refusals[0].text, 'A value does not fit the definition of its resource');
      assert.equal(summary.refusals[0].count, summary.sent);
      assert.deepEqual(await logged(connector), { writes: 0, devices: 0 });
    });

    test('the identities of a file take part', async () => {
      const connector = await newConnector(server, { resources });
      for (const identity of ['a,1', 'b/2']) await connector.whitelist(identity);
      const file = join(folder, `${protocol}.csv`);
      writeFileSync(file, 'Tags,ID\n,"a,1"\n,b/2\n');
      const args = ['--devices', '2', '--rate', '10', '--duration', '2', '--identities', file];
      const { code, summary, stderr } = await runFleet(folder, [...alone(connector, protocol), ...args]);
      assert.equal(code, 0, JSON.stringify(summary) + stderr);
      assert.equal((await connector.device('a,1')).status, 'provisioned');
      assert.equal((await connector.device('b/2')).status, 'provisioned');
    });

    test('a value that the cloud sets is received and reported; Ctrl-C ends it with the summary', async () => {
      const connector = await newConnector(server, { resources, ...provisioning('token', true) });
      const fleet = startFleet(folder, [...managed(connector, protocol), '--devices', '2', '--rate', '4', '--listen']);
      await fleet.until('both write', ({ acknowledged }) => acknowledged >= 8);
      const { body } = await connector.api('GET', '/identity/');
      const [{ identity }] = body.devices;
      await connector.api('PATCH', `/identity/${identity}/state`, { setpoint: 21 });
      await eventually('it is reported', async () => (await connector.state(identity)).setpoint?.reported === '21');
      fleet.signal('SIGINT');
      const { code, summary, stderr } = await fleet.ended();
      assert.equal(code, 0, JSON.stringify(summary) + stderr);
      assert.equal(summary.received, 1);
      assert.equal(summary.acknowledged, summary.sent);
      assert.equal((await logged(connector)).writes, summary.acknowledged);
    });

    test('a fleet that is ended while its devices come in has kept the token of each that the server knows', async () => {
      const connector = await newConnector(server, { resources });
      const file = join(folder, `${protocol}-early.jsonl`);
      const many = ['--devices', '200', '--rate', '0', '--ramp', '100', '--credentials', file];
      const fleet = startFleet(folder, [...managed(connector, protocol), ...many]);
      await fleet.until('some are in', ({ provisioned }) => provisioned > 0);
      fleet.signal('SIGINT');
      const { summary } = await fleet.ended();
      const { body } = await connector.api('GET', '/identities/count?status=provisioned');
      assert.equal(readFileSync(file, 'utf8').trimEnd().split('\n').length, body.count);
      assert.equal(summary.provisioned, body.count);
    });

    test('a device that is locked comes back once it is unlocked', async () => {
      const connector = await newConnector(server, { resources, ...provisioning('token', true) });
      const fleet = startFleet(folder, [...managed(connector, protocol), '--devices', '1', '--rate', '5']);
      await fleet.until('it writes', ({ acknowledged }) => acknowledged > 0);
      const { body } = await connector.api('GET', '/identity/');
      const [{ identity }] = body.devices;
      await connector.change(identity, { locked: true });
      await fleet.until('it is refused', ({ refused }) => refused > 0);
      const { acknowledged: before } = await fleet.until('a second', () => true);
      await connector.change(identity, { locked: false });
      await fleet.until('it writes again', ({ acknowledged }) => acknowledged > before);
      fleet.signal('SIGTERM');
      const { code, summary } = await fleet.ended();
      assert.equal(code, 1);
      assert.equal(summary.refusals[0].text, 'The device is locked');
    });
  });
}

test('a connector with PKI gets certificates that a CA of it signed', async () => {
  const authority = factory.authority('Fleet CA');
  const pki = { enabled: true, client_ca: [authority.cert] };
  const connector = await newConnector(server, { resources, ...provisioning('certificate', true), pki });
  const args = [...managed(connector, 'mqtt'), ...small];
  const without = await runFleet(folder, args);
  assert.equal(without.code, 1);
  assert.match(without.stderr, /--device-ca/);
  const { certPath, keyPath } = authority;
  const { code, stderr } = await runFleet(folder, [...args, '--device-ca', certPath, '--device-ca-key', keyPath]);
  assert.equal(code, 0, stderr);
});

test('where devices cannot connect, it makes no connector', async () => {
  for (const protocol of protocols) {
    const { code, stderr } = await runFleet(folder, [...account(), '--protocol', protocol, '--port', `${nowhere}`]);
    assert.equal(code, 1);
    assert.match(stderr, /cannot be reached: connection refused.*--port/);
  }
  const { body } = await server.api('GET', '/api:1/connectors');
  assert.ok(!body.some(({ name }: { name: string }) => name === 'Simulation'));
});

test('without a connector named, it makes one of its own, and takes the same the next time', async () => {
  const args = [...account(), ...small];
  for (let n = 0; n < 2; n += 1) {
    const { code, stderr } = await runFleet(folder, args);
    assert.equal(code, 0, stderr);
  }
  const { body } = await server.api('GET', '/api:1/connectors');
  assert.equal(body.filter(({ name }: { name: string }) => name === 'Simulation').length, 1);
});

test('a server that is killed and comes back finds all devices again, and lacks nothing that was acknowledged', async () => {
  const connector = {
    mqtt: await newConnector(server, { resources, ...provisioning('token', true) }),
    https: await newConnector(server, { resources, ...provisioning('token', true) }),
  };
  const fleets = protocols.map((protocol) => ({
    connector: connector[protocol],
    fleet: startFleet(folder, [...managed(connector[protocol], protocol), '--devices', '10', '--rate', '40']),
  }));
  await Promise.all(fleets.map(({ fleet }) => fleet.until('they write', ({ acknowledged }) => acknowledged > 40)));
  await server.kill9();
  await Promise.all(fleets.map(({ fleet }) => fleet.until('they are away', ({ connected }) => connected === 0)));
  await server.restart();
  for (const { connector, fleet } of fleets) {
    const { acknowledged: before } = await fleet.until('they are back', ({ connected }) => connected === 10);
    await fleet.until('they write again', ({ acknowledged }) => acknowledged > before + 40);
    fleet.signal('SIGINT');
    const { summary } = await fleet.ended();
    assert.equal(summary.unanswered, 0);
    assert.equal(summary.refused, 0);
    assert.ok(summary.reconnects >= 10, `${summary.reconnects} reconnects`);
    assert.ok(summary.failures.length > 0);
    // What was sent again may have been stored the first time, too.
    const { writes } = await logged(connector);
    assert.ok(writes >= summary.acknowledged, `${summary.acknowledged} were acknowledged, the log has ${writes}`);
    assert.ok(writes <= summary.acknowledged + summary.repeated);
  }
});

describe('what keeps it from starting is said in plain words', () => {
  const run = async (args: readonly string[]) => {
    const { code, summary, stderr } = await runFleet(folder, args);
    assert.equal(code, 1);
    assert.equal(summary, null);
    return stderr;
  };
  const nobody = `https://abcdefghijklmnop.m2.localhost:${nowhere}`;

  test('a server that is not there', async () => {
    assert.match(
      await run(['--url', nobody]),
      /abcdefghijklmnop\.m2\.localhost:\d+ cannot be reached: connection refused/,
    );
    assert.match(
      await run(['--api', `http://127.0.0.1:${nowhere}`, '--password', 'x']),
      /management API .* connection refused/,
    );
  });

  test('a certificate that nobody vouches for: who signed it, and which flag helps', async () => {
    const connector = await newConnector(server);
    const other = factory.authority('Somebody else').certPath;
    const text = await run(alone(connector, 'https', other));
    assert.match(text, /who signed it, "Slipway local CA \w+", is none of the 1 given/);
    assert.match(text, /--ca <file>/);
  });

  test('nobody who asks, a wrong password, and a connector that is not there', async () => {
    assert.match(await run(['--api', `http://127.0.0.1:${console}`]), /--password .* or --key/);
    const wrong = ['--api', `http://127.0.0.1:${console}`, '--password', 'wrong'];
    assert.match(await run(wrong), /401: Email or password is wrong/);
    assert.match(await run([...account(), '--connector', 'nowhere']), /There is no connector nowhere; there are: /);
  });

  test('flags that are none, or have no sense', async () => {
    assert.match(await run(['--fleet', '5']), /Unknown option '--fleet'/);
    assert.match(await run(['--rate', 'fast']), /--rate is "fast"; expected a number from 0 to 1000000/);
    assert.match(await run(['--url', 'ftp://x']), /--url is "ftp:\/\/x"; expected https:/);
    assert.match(await run(['--url', nobody, '--identities', 'none.csv']), /cannot be reached/);
  });

  test('a file of credentials that is something else', async () => {
    const connector = await newConnector(server);
    const file = join(folder, 'other.txt');
    writeFileSync(file, 'hello\n');
    assert.match(
      await run([...alone(connector, 'https'), '--credentials', file]),
      /other\.txt, line 1, is no credential/,
    );
    assert.equal(readFileSync(file, 'utf8'), 'hello\n');
  });
});
