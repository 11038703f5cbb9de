/** device-http.md, POST /api:v1/stack/record and /alias/<alias>: back-dated data. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newConnector, resource } from '../helpers/connector.ts';
import { startServer } from '../helpers/server.ts';

const server = await startServer();
after(() => server.stop());
const connector = await newConnector(server, {
  resources: { a: resource(), b: resource(), n: resource({ format: 'number' }) },
});
let devices = 0;

async function newDevice() {
  const identity = `d${++devices}`;
  const token = await connector.provision(identity);
  const record = (body: string) => connector.send('/api:v1/stack/record', { token, body });
  const points = async (alias: string) =>
    (await connector.history(identity, alias)).map(({ timestamp, value }) => [timestamp, value]);
  return { identity, token, record, points };
}

for (const { unit, sent, stored } of [
  { unit: 'seconds', sent: '1700000000', stored: 1700000000_000000 },
  { unit: 'fractional seconds', sent: '1700000000.25', stored: 1700000000_250000 },
  { unit: 'seconds with six decimals', sent: '1700000000.123456', stored: 1700000000_123456 },
  { unit: 'milliseconds', sent: '1700000000123', stored: 1700000000_123000 },
  { unit: 'microseconds', sent: '1700000000123456', stored: 1700000000_123456 },
]) {
  test(`a timestamp in ${unit} is told apart by its size: ${sent}`, async () => {
    const { record, points } = await newDevice();
    const answer = await record(`alias=a&${sent}=5`);
    assert.equal(answer.status, 204, answer.body);
    assert.deepEqual(await points('a'), [[stored, '5']]);
  });
}

test('several aliases, each with several points, become history in order of time', async () => {
  const { record, points } = await newDevice();
  const answer = await record('alias=a&1700000010=2&1700000000=1&alias=b&1700000000=x+y');
  assert.equal(answer.status, 204, answer.body);
  assert.deepEqual(await points('a'), [
    [1700000000_000000, '1'],
    [1700000010_000000, '2'],
  ]);
  assert.deepEqual(await points('b'), [[1700000000_000000, 'x y']]);
});

test('POST /api:v1/stack/alias/<alias> takes <ts>=<value> pairs', async () => {
  const { token, points } = await newDevice();
  for (const [prefix, at] of [
    ['/api:v1', 1700000000],
    ['/onep:v1', 1700000100],
  ] as const) {
    const answer = await connector.send(`${prefix}/stack/alias/a`, { token, body: `${at}=1&${at + 2}=2` });
    assert.equal(answer.status, 204, answer.body);
  }
  assert.deepEqual(
    (await points('a')).map(([, value]) => value),
    ['1', '2', '1', '2'],
  );
});

test('two points of one alias less than a second apart: 409 that names them, form-encoded, nothing stored', async () => {
  const { record, points } = await newDevice();
  const answer = await record('alias=b&1700000000=0&alias=a&1700000000=1&1700000000.5=2&1700000005=3');
  assert.equal(answer.status, 409);
  assert.match(answer.headers['content-type'] ?? '', /^application\/x-www-form-urlencoded/);
  const named = new URLSearchParams(answer.body);
  assert.deepEqual([...named.keys()], ['a']);
  assert.deepEqual(named.get('a')?.split(',').map(Number), [1700000000, 1700000000.5]);
  assert.deepEqual(await points('a'), []);
  assert.deepEqual(await points('b'), []);
});

test('points exactly one second apart are taken', async () => {
  const { record, points } = await newDevice();
  assert.equal((await record('alias=a&1700000000=1&1700000001=2')).status, 204);
  assert.equal((await points('a')).length, 2);
});

test('a point already recorded there: 409 that names it, nothing of the request stored', async () => {
  const { record, points } = await newDevice();
  assert.equal((await record('alias=a&1700000000=1')).status, 204);
  const answer = await record('alias=a&1700000000=other&1700000010=2');
  assert.equal(answer.status, 409);
  const named = new URLSearchParams(answer.body);
  assert.deepEqual(named.get('a')?.split(',').map(Number), [1700000000]);
  assert.deepEqual(await points('a'), [[1700000000_000000, '1']]);
});

test('older data never replaces a newer current value', async () => {
  const { identity, token, record, points } = await newDevice();
  await connector.write('a=now', { token });
  assert.equal((await record('alias=a&1700000000=old')).status, 204);
  const { a } = await connector.state(identity);
  assert.deepEqual([a.reported, a.set], ['now', 'now']);
  assert.equal((await connector.send('/api:v1/stack/alias?a', { token })).body, 'a=now');
  assert.deepEqual(
    (await points('a')).map(([, value]) => value),
    ['old', 'now'],
  );
});

test('where nothing newer is known, the newest point becomes the current value', async () => {
  const { identity, record } = await newDevice();
  assert.equal((await record('alias=a&1700000010=new&1700000000=old')).status, 204);
  const { a } = await connector.state(identity);
  assert.deepEqual([a.reported, a.timestamp], ['new', 1700000010_000000]);
});

test('a point dated in the future does not stop later writes from becoming current', async () => {
  const { identity, token, record } = await newDevice();
  const tomorrow = Math.floor(Date.now() / 1000) + 86_400;
  const recorded = await record(`alias=a&${tomorrow}=from a wrong clock`);
  assert.ok([204, 400].includes(recorded.status), recorded.body);
  assert.equal(await connector.write('a=now', { token }), 204);
  assert.equal((await connector.state(identity)).a.reported, 'now');
});

for (const body of [
  'alias=a&yesterday=1',
  'alias=a&=1',
  'alias=a&-5=1',
  'alias=a&1e9=1',
  '1700000000=1',
  'alias=a&NaN=1',
]) {
  test(`the record body ${body} is a 400 and stores nothing`, async () => {
    const { record, points } = await newDevice();
    const answer = await record(body);
    assert.equal(answer.status, 400, answer.body);
    assert.deepEqual(await points('a'), []);
  });
}

test('a value that does not fit its resource: 422 that names the alias, nothing stored', async () => {
  const { record, points } = await newDevice();
  const answer = await record('alias=a&1700000000=1&alias=n&1700000000=1&1700000010=warm');
  assert.equal(answer.status, 422);
  assert.match(answer.body, /\bn\b/);
  assert.deepEqual(await points('a'), []);
  assert.deepEqual(await points('n'), []);
});

test('points of an undefined alias are logged and reach no resource', async () => {
  const { identity, record } = await newDevice();
  assert.equal((await record('alias=ghost&1700000000=1')).status, 204);
  assert.equal((await connector.state(identity)).ghost, undefined);
  const event = (await connector.events('data_in')).filter((entry) => entry.identity === identity).at(-1);
  assert.deepEqual(event?.payload[0].undefined, ['ghost']);
});

test('a record without a credential: 401', async () => {
  const answer = await connector.send('/api:v1/stack/record', { body: 'alias=a&1700000000=1' });
  assert.equal(answer.status, 401);
});
