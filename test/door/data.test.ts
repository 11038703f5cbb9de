/** device-http.md, write, read and hybrid: what is decoded how, what is stored, and what an answer holds. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newConnector, resource } from '../helpers/connector.ts';
import { curl } from '../helpers/curl.ts';
import { send } from '../helpers/device.ts';
import { startServer } from '../helpers/server.ts';

const server = await startServer();
after(() => server.stop());

const resources = Object.fromEntries(['a', 'b', 'c', 'data_in'].map((alias) => [alias, resource()]));
const connector = await newConnector(server, { resources });
let devices = 0;

/** A provisioned device of its own for a test. */
async function newDevice() {
  const identity = `d${++devices}`;
  const token = await connector.provision(identity);
  const write = (body: string | Buffer, more = {}) => connector.send('/api:v1/stack/alias', { token, body, ...more });
  const read = (query: string) => connector.send(`/api:v1/stack/alias?${query}`, { token });
  const reported = async () => {
    const state = await connector.state(identity);
    return Object.fromEntries(
      Object.entries(state).map(([alias, value]) => [alias, (value as { reported: string }).reported]),
    );
  };
  return { identity, token, write, read, reported };
}

for (const prefix of ['/api:v1', '/onep:v1']) {
  test(`${prefix} takes a write and gives it back`, async () => {
    const { token } = await newDevice();
    const written = await connector.send(`${prefix}/stack/alias`, { token, body: 'a=50' });
    assert.equal(written.status, 204, written.body);
    const read = await connector.send(`${prefix}/stack/alias?a`, { token });
    assert.equal(read.status, 200);
    assert.equal(read.body, 'a=50');
    assert.equal(read.headers['content-type'], 'application/x-www-form-urlencoded; charset=utf-8');
  });
}

for (const { sent, stored } of [
  { sent: 'a=50', stored: { a: '50' } },
  { sent: 'a=1&b=2&c=3', stored: { a: '1', b: '2', c: '3' } },
  { sent: 'a=', stored: { a: '' } },
  { sent: 'a=b=c', stored: { a: 'b=c' } },
  { sent: 'a=1+2', stored: { a: '1 2' } },
  { sent: 'a=1%2B2', stored: { a: '1+2' } },
  { sent: 'a=%26%3D%25', stored: { a: '&=%' } },
  { sent: 'a=%C3%A4%0A', stored: { a: 'ä\n' } },
  { sent: 'a=%c3%a4', stored: { a: 'ä' } },
  { sent: '%61=1', stored: { a: '1' } },
  { sent: 'a=100%', stored: { a: '100%' } },
  { sent: 'a=100%zz&b=%4', stored: { a: '100%zz', b: '%4' } },
  { sent: 'a=%%41', stored: { a: '%A' } },
  { sent: 'data_in={"a":1}', stored: { data_in: '{"a":1}' } },
  { sent: 'data_in={"a":"b c","d":[1,2]}&b=2', stored: { data_in: '{"a":"b c","d":[1,2]}', b: '2' } },
  { sent: 'data_in={"u":"http://x?y=z"}', stored: { data_in: '{"u":"http://x?y=z"}' } },
]) {
  test(`the body ${sent} is decoded to ${JSON.stringify(stored)}`, async () => {
    const { write, reported } = await newDevice();
    const answer = await write(sent);
    assert.equal(answer.status, 204, answer.body);
    assert.deepEqual(await reported(), stored);
  });
}

test('raw UTF-8 in a value is taken as it stands', async () => {
  const { write, reported } = await newDevice();
  assert.equal((await write(Buffer.from('a=grün 日'))).status, 204);
  assert.deepEqual(await reported(), { a: 'grün 日' });
});

for (const contentType of [null, 'text/plain', 'application/json', 'application/octet-stream', 'nonsense']) {
  test(`a write with ${contentType === null ? 'no Content-Type' : `Content-Type: ${contentType}`} is taken`, async () => {
    const { write, reported } = await newDevice();
    assert.equal((await write('a=1', { contentType })).status, 204);
    assert.deepEqual(await reported(), { a: '1' });
  });
}

for (const [what, sent] of [
  ['a body that is no form', 'just text'],
  ['an alias of no characters', '=1'],
  ['an alias over 128 characters', `${'x'.repeat(129)}=1`],
] as const) {
  test(`${what}: 400, and nothing of the request is stored`, async () => {
    const { write, reported } = await newDevice();
    const answer = await write(what === 'a body that is no form' ? sent : `a=1&${sent}`);
    assert.equal(answer.status, 400, answer.body);
    assert.deepEqual(await reported(), {});
  });
}

test('a value of 1,048,576 bytes is stored and read back whole; one byte more is a 413', async () => {
  const { write, read, reported } = await newDevice();
  const value = 'x'.repeat(1_048_576);
  assert.equal((await write(`a=${value}`)).status, 204);
  assert.equal((await read('a')).body, `a=${value}`);
  assert.equal((await write(`a=${value}y`)).status, 413);
  assert.equal((await reported()).a?.length, value.length);
});

test('a value of 1,048,576 bytes may be percent-encoded throughout', async () => {
  const { write, reported } = await newDevice();
  const answer = await write(`a=${'%26'.repeat(1_048_576)}`);
  assert.equal(answer.status, 204, answer.body);
  assert.equal((await reported()).a, '&'.repeat(1_048_576));
});

test('all aliases of one request get the same server timestamp, in µs', async () => {
  const { identity, write } = await newDevice();
  const before = Date.now() * 1000 - 1000;
  await write('a=1&b=2');
  const { a, b } = await connector.state(identity);
  assert.equal(a.timestamp, b.timestamp);
  assert.ok(Number.isInteger(a.timestamp) && a.timestamp >= before && a.timestamp <= Date.now() * 1000 + 1000);
  assert.deepEqual(await connector.history(identity, 'a'), [{ timestamp: a.timestamp, value: '1' }]);
  assert.deepEqual(await connector.history(identity, 'b'), [{ timestamp: a.timestamp, value: '2' }]);
});

test('a read gives the aliases in the order asked, and only those that have a value', async () => {
  const { write, read } = await newDevice();
  await write('a=1&b=2');
  assert.equal((await read('b&a')).body, 'b=2&a=1');
  assert.equal((await read('a&b')).body, 'a=1&b=2');
  assert.equal((await read('c&b&nosuch')).body, 'b=2');
  assert.equal((await read('a=&b')).body, 'a=1&b=2');
});

test('a read where none has a value: 204', async () => {
  const { read } = await newDevice();
  for (const query of ['a', 'a&b', 'nosuch']) assert.equal((await read(query)).status, 204, query);
});

test('an empty value is a value: 200 and a=', async () => {
  const { write, read } = await newDevice();
  await write('a=');
  const answer = await read('a');
  assert.equal(answer.status, 200);
  assert.equal(answer.body, 'a=');
});

test('a read encodes the value so that a form decoder gives it back', async () => {
  const { write, read } = await newDevice();
  const value = '{"a":"b c&d=e+f%","ä":"\u0001\r\n日"}';
  await write(`a=${encodeURIComponent(value)}&b=2`);
  const { body } = await read('a&b');
  assert.deepEqual(
    [...new URLSearchParams(body)],
    [
      ['a', value],
      ['b', '2'],
    ],
  );
  assert.match(body, /^[\x21-\x7e]*$/);
});

test('a read gives what the cloud wants (`set`), a write of the device sets both', async () => {
  const { identity, write, read } = await newDevice();
  await write('a=1');
  assert.equal((await connector.api('PATCH', `/identity/${identity}/state`, { a: '2' })).status, 200);
  assert.equal((await read('a')).body, 'a=2');
  assert.equal((await connector.state(identity)).a.reported, '1');
  await write('a=3');
  assert.equal((await read('a')).body, 'a=3');
  const { a } = await connector.state(identity);
  assert.deepEqual([a.set, a.reported], ['3', '3']);
});

test('hybrid: POST with a query and a body writes first, then reads', async () => {
  const { identity, token } = await newDevice();
  await connector.api('PATCH', `/identity/${identity}/state`, { b: 'wanted' });
  const answer = await connector.send('/api:v1/stack/alias?b&a&c', { token, body: 'a=9' });
  assert.equal(answer.status, 200, answer.body);
  assert.equal(answer.body, 'b=wanted&a=9');
  const nothing = await connector.send('/api:v1/stack/alias?c', { token, body: 'a=10' });
  assert.equal(nothing.status, 204);
  assert.equal((await connector.state(identity)).a.reported, '10');
});

test('a write to an undefined alias is a 204, marked in the log, and reaches no resource', async () => {
  const { identity, write, read, reported } = await newDevice();
  assert.equal((await write('a=1&ghost=2')).status, 204);
  assert.deepEqual(await reported(), { a: '1' });
  assert.equal((await read('ghost')).status, 204);
  const event = (await connector.events('data_in')).filter((entry) => entry.identity === identity).at(-1);
  assert.deepEqual(event?.payload[0].values, { a: '1', ghost: '2' });
  assert.deepEqual(event?.payload[0].undefined, ['ghost']);
});

test('aliases that mean something to JavaScript are aliases like any other', async () => {
  const names = ['constructor', 'toString', 'hasOwnProperty'];
  const own = await newConnector(server, { resources: { constructor: resource(), a: resource() } });
  const token = await own.provision('d1');
  assert.equal(await own.write(`a=1&${names.map((name) => `${name}=${name}`).join('&')}`, { token }), 204);
  const [event] = await own.events('data_in');
  assert.deepEqual(Object.keys(event?.payload[0].values).sort(), [...names, 'a'].sort());
  assert.deepEqual(event?.payload[0].undefined.sort(), ['hasOwnProperty', 'toString']);
  const read = await own.send(`/api:v1/stack/alias?${names.join('&')}`, { token });
  assert.equal(read.body, 'constructor=constructor');
  const refused = await own.send('/api:v1/stack/alias', { token, body: 'a=2&__proto__=1' });
  assert.equal(refused.status, 400, 'not an alias here; refused whole, never half taken');
  assert.equal((await own.history('d1', 'a')).length, 1);
});

for (const { definition, good, bad } of [
  { definition: { format: 'number' }, good: ['0', '-1.5', '1e3'], bad: ['abc', '', '1x', 'NaN'] },
  { definition: { format: 'boolean' }, good: ['true', 'false'], bad: ['maybe', ''] },
  { definition: { format: 'string', allowed: ['on', 'off'] }, good: ['on', 'off'], bad: ['ON', 'other'] },
  {
    definition: { format: 'number', allowed: ['9-11', '-40..-20', 100] },
    good: ['10', '-30', '100'],
    bad: ['12', '-10'],
  },
]) {
  test(`a resource of ${JSON.stringify(definition)} refuses ${bad.map((value) => `"${value}"`).join(', ')} with 422`, async () => {
    const own = await newConnector(server, { resources: { ok: resource(), limited: resource(definition) } });
    const token = await own.provision('d1');
    for (const value of bad) {
      const answer = await own.send('/api:v1/stack/alias', { token, body: `ok=1&limited=${value}` });
      assert.equal(answer.status, 422, value);
      assert.match(answer.body, /limited/);
    }
    assert.deepEqual(await own.history('d1', 'ok'), []);
    assert.deepEqual(await own.history('d1', 'limited'), []);
    for (const value of good) assert.equal(await own.write(`limited=${value}`, { token }), 204, value);
  });
}

test('the older X-Exosite-CIK header authenticates; header names may come in any case', async () => {
  const { token } = await newDevice();
  for (const [name, value] of [
    ['X-Exosite-CIK', token],
    ['x-exosite-cik', token],
    ['X-EXOSITE-CIK', token],
    ['AUTHORIZATION', `Token ${token}`],
    ['aUTHORIZATION', `token ${token}`],
  ] as const) {
    const answer = await connector.send('/onep:v1/stack/alias', { body: 'a=1', headers: { [name]: value } });
    assert.equal(answer.status, 204, `${name}: ${value.slice(0, 6)}`);
  }
});

test('where the host names no connector, the token alone finds the device', async () => {
  const { token, reported } = await newDevice();
  const answer = await send(server, '', '/onep:v1/stack/alias', { host: 'm2.localhost', token, body: 'a=7' });
  assert.equal(answer.status, 204, answer.body);
  assert.deepEqual(await reported(), { a: '7' });
});

test('a token does not open the host of another connector', async () => {
  const { token } = await newDevice();
  const other = await newConnector(server);
  assert.equal(await other.write('a=1', { token }), 401);
});

test('Basic authentication takes a password with colons and UTF-8', async () => {
  const own = await newConnector(server, { provisioning: { auth_type: 'password' }, resources });
  const password = 'p:ä:0123456789abcdefghij';
  await own.whitelist('d1');
  const activated = await own.send('/provision/activate', { body: `id=d1&password=${encodeURIComponent(password)}` });
  assert.equal(activated.status, 204, activated.body);
  assert.equal(await own.write('a=1', { basic: ['d1', password] }), 204);
  assert.equal(await own.write('a=1', { basic: ['d1', `${password} `] }), 401);
  assert.equal(await own.write('a=1', { basic: ['d2', password] }), 401);
});

test('curl reads back over TLS what curl wrote', async () => {
  const { token } = await newDevice();
  const at = `${server.url(connector.id)}/api:v1/stack/alias`;
  const cik = ['-H', `X-Exosite-CIK: ${token}`];
  assert.equal((await curl(server, [at, ...cik, '-d', 'a=1&b=2'])).status, 204);
  assert.equal((await curl(server, [`${at}?b&a`, ...cik])).body, 'b=2&a=1');
});
