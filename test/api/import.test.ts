/** Whitelisting in bulk by the management API (provisioning.md): dry run, all or nothing, skip, batches, undo, progress. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Factory, openFactory } from '../helpers/authority.ts';
import { type Answer, at, auditDuring, eventsSince, startApi, type TestApi, type TestConnector } from './harness.ts';

let api: TestApi;
let factory: Factory;
before(async () => {
  api = await startApi();
  factory = openFactory();
});
after(async () => {
  factory.remove();
  await api.close();
});

const text = { 'content-type': 'text/csv' };
const send = (connector: TestConnector, csv: string, query = '', headers: Record<string, string> = text) =>
  api.call('POST', `${connector.base}/identities${query}`, csv, { as: 'operator', headers });

async function identities(connector: TestConnector, query = ''): Promise<string[]> {
  const { body } = await api.call('GET', `${connector.base}/identity?sort=identity&limit=1000&${query}`);
  return body.devices.map((device: { identity: string }) => device.identity);
}

/** Files of imports that are not finished. */
const staged = () => readdir(join(api.folder, 'imports'));

const nothingKnown = { whitelisted: 0, provisioned: 0, expired: 0, locked: 0, reprovision: 0 };
const quote = (value: string) => `"${value.replaceAll('"', '""')}"`;

test('a file of which nothing is new makes no batch, no event and no entry in the audit log; its answer is as ever', async () => {
  const connector = await api.connector();
  const csv = 'ID\na1\na2\n';
  assert.equal((await send(connector, csv)).status, 200);
  const { batches } = (await api.call('GET', `${connector.base}/batches`)).body;
  const seq = await api.store.lastSeq();
  const logged = await auditDuring(api, async () => {
    for (const query of ['?name=Again', '?mode=skip']) {
      const { status, body } = await send(connector, csv, query);
      assert.deepEqual([status, body.new, body.known.whitelisted], [200, 0, 2]);
      assert.deepEqual([body.batch.state, body.batch.count, body.batch.who], ['done', 0, 'operator@localhost']);
    }
  });
  assert.deepEqual(logged, []);
  assert.deepEqual((await api.call('GET', `${connector.base}/batches`)).body.batches, batches);
  assert.deepEqual(await eventsSince(api, connector, seq), []);
  assert.deepEqual(await staged(), []);
});

test('of one person as many imports are under way as there may be; others find a place, and so does the next when one ends', async () => {
  const connector = await api.connector();
  /** An upload that has begun, and comes to its end when it is told to; `done`: its status. */
  const begin = (name: string) => {
    const headers = { authorization: `token ${api.tokens.operator}`, 'content-type': 'text/csv' };
    const sent = request(`${api.url}${connector.base}/identities`, { method: 'POST', headers });
    const done = new Promise<number>((resolve, reject) => {
      sent.once('error', reject).once('response', (response) => resolve(response.resume().statusCode!));
    });
    sent.write('ID\n');
    return { go: () => sent.end(`${name}\n`), done };
  };
  const first = [0, 1, 2, 3].map((n) => begin(`o${n}`));
  while ((await staged()).length < first.length) await delay(5);
  const refused = await send(connector, 'ID\ntoo-many\n');
  assert.deepEqual([refused.status, refused.body.code], [429, 'IMPORT_LIMIT'], refused.text);
  assert.ok(Number(refused.headers.get('retry-after')) > 0);
  const lines = await send(connector, 'ID\ntoo-many\n', '', { ...text, accept: 'application/x-ndjson' });
  assert.equal(lines.status, 429);
  const other = await api.call('POST', `${connector.base}/identities`, 'ID\nof-admin\n', { headers: text });
  assert.equal(other.status, 200, other.text);
  first[0]!.go();
  assert.equal(await first[0]!.done, 200);
  assert.equal((await send(connector, 'ID\nnext\n')).status, 200);
  for (const { go, done } of first.slice(1)) {
    go();
    assert.equal(await done, 200);
  }
  assert.deepEqual(await identities(connector), ['next', 'o0', 'o1', 'o2', 'o3', 'of-admin']);
});

test('a file of identities with tags and certificates becomes a batch', async () => {
  const connector = await api.connector();
  const tags = quote('[{"name":"group","value":"g1"},{"name":"group","value":"g2"}]');
  const { cert } = factory.selfSigned('c3');
  const seq = await api.store.lastSeq();
  const csv = `\uFEFFTags,ID,TLS Client Certificate\r\n${tags},a1,\r\n,b2,\r\n,c3,${quote(cert)}\r\n`;
  const { status, body, text: answered } = await send(connector, csv, '?name=Lot%207');
  assert.equal(status, 200, answered);
  const { batch, ...counts } = body;
  assert.deepEqual(counts, { total: 3, new: 3, duplicates: 0, known: nothingKnown, bad: 0, rows: [], repeated: [] });
  assert.equal(batch.name, 'Lot 7');
  assert.equal(batch.who, 'operator@localhost');
  assert.deepEqual([batch.state, batch.count], ['done', 3]);
  assert.deepEqual(await identities(connector, `batch=${batch.id}`), ['a1', 'b2', 'c3']);
  assert.deepEqual((await api.call('GET', connector.base + at('a1'))).body.tags, { group: ['g1', 'g2'] });
  const provisioned = (await api.call('GET', connector.base + at('c3'))).body;
  assert.deepEqual(
    [provisioned.status, provisioned.auth.type, provisioned.batch],
    ['provisioned', 'certificate', batch.id],
  );
  assert.deepEqual(await eventsSince(api, connector, seq), ['whitelisted null']);
  assert.deepEqual((await api.call('GET', `${connector.base}/batches`)).body.batches, [batch]);
  assert.deepEqual((await api.call('GET', `${connector.base}/batches/${batch.id}`)).body, batch);
  assert.equal((await api.call('GET', `${connector.base}/batches/none`)).body.code, 'BATCH_UNKNOWN');
});

test('a dry run counts and writes nothing', async () => {
  const connector = await api.connector();
  await api.call('PUT', connector.base + at('known'), {});
  await api.call('PUT', connector.base + at('locked'), { locked: true });
  const seq = await api.store.lastSeq();
  const { status, body } = await send(connector, 'ID\nnew\nknown\nlocked\nnew\nx y \n', '?dry_run=true');
  assert.equal(status, 200);
  assert.equal(body.total, 5);
  assert.deepEqual([body.new, body.duplicates, body.bad, body.batch], [1, 1, 1, null]);
  assert.deepEqual(body.known, { ...nothingKnown, whitelisted: 1, locked: 1 });
  assert.deepEqual(body.repeated, [{ line: 5, identity: 'new', first_line: 2 }]);
  assert.equal(body.rows.length, 1);
  assert.deepEqual([body.rows[0].line, body.rows[0].column], [6, 'ID']);
  assert.deepEqual(await identities(connector), ['known', 'locked']);
  assert.deepEqual(await eventsSince(api, connector, seq), []);
  assert.deepEqual((await api.call('GET', `${connector.base}/batches`)).body.batches, []);
  assert.deepEqual(await staged(), []);
});

test('one bad row and nothing is written; each bad row is named with line, column, value, reason and what was expected', async () => {
  const connector = await api.connector({ identity_format: { type: 'base10', options: { length: 4 } } });
  const csv = 'ID,Tags\n0001,\n12,\n0003,not json\n0004,,5\n';
  const { status, body } = await send(connector, csv);
  assert.equal(status, 400);
  assert.equal(body.code, 'IMPORT_REFUSED');
  assert.deepEqual(
    body.rows.map(({ line, column }: { line: number; column: string }) => [line, column]),
    [
      [3, 'ID'],
      [4, 'Tags'],
      [5, 'Tags'],
    ],
  );
  assert.equal(body.rows[0].value, '12');
  for (const row of body.rows) assert.ok(row.reason.length > 0 && row.expected.length > 0);
  assert.deepEqual(await identities(connector), []);
  assert.deepEqual(await staged(), []);
});

test('mode=skip writes the good rows and reports the rest', async () => {
  const connector = await api.connector({ identity_format: { type: 'base10', options: { length: 4 } } });
  const { status, body } = await send(connector, 'ID\n0001\nbad\n0002\n', '?mode=skip');
  assert.equal(status, 200);
  assert.deepEqual([body.bad, body.batch.count, body.rows[0].value], [1, 2, 'bad']);
  assert.deepEqual(await identities(connector), ['0001', '0002']);
});

test('of many bad rows a thousand are listed, and all are counted', async () => {
  const connector = await api.connector({ identity_format: { type: 'base10', options: { length: 4 } } });
  const csv = `ID\n${Array.from({ length: 3000 }, (_, i) => `x${i}`).join('\n')}\n`;
  const { body } = await send(connector, csv);
  assert.equal(body.rows.length, 1000);
  assert.deepEqual([body.details.total, body.details.bad, body.details.new], [3000, 3000, 0]);
});

test('a known identity is left alone and keeps its credential', async () => {
  const connector = await api.connector();
  const digest = 'ef'.repeat(32);
  await api.call('PUT', connector.base + at('old'), { auth: { token_sha256: digest }, tags: { a: ['1'] } });
  const { body } = await send(connector, 'ID,Tags\nold,"[{""name"":""a"",""value"":""2""}]"\nnew,\n');
  assert.deepEqual([body.new, body.known.provisioned, body.batch.count], [1, 1, 1]);
  const { device } = (await api.store.getDevice(connector.id, 'old'))!;
  assert.deepEqual(device.credential, { type: 'token', digest });
  assert.deepEqual([device.tags, device.batch], [{ a: ['1'] }, null]);
});

for (const [what, csv, message] of [
  ['no header', '00000001\n00000002\n', /unknown column "00000001"/],
  ['an unknown column', 'ID,Colour\na,b\n', /unknown column "Colour"/],
  ['a header alone', 'ID\n', /a header and nothing below/],
  ['nothing', '', /an empty file|no body/],
  ['bytes that are no text', 'ID\n\u0000\uFFFD"x', /./],
  ['a quote that never ends', 'ID\n"abc\n', /./],
] as const) {
  test(`a file with ${what} is refused as no CSV, with the reason`, async () => {
    const connector = await api.connector();
    const { status, body, text: answered } = await send(connector, csv);
    assert.equal(status, 400, answered);
    assert.match(body.message, /^CSV file format invalid/);
    assert.match(body.message, message);
  });
}

test('a binary file is refused', async () => {
  const connector = await api.connector();
  const form = new FormData();
  form.set('identities', new File([new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0xff, 0xfe, 0x00])], 'logo.png'));
  const { body } = await api.call('POST', `${connector.base}/identities`, form);
  assert.equal(body.code, 'CSV_INVALID');
});

test('multipart: the file and expire in either order; the batch takes the name of the file', async () => {
  const expire = Date.now() * 1000 + 3_600_000_000;
  for (const fileFirst of [true, false]) {
    const connector = await api.connector();
    const form = new FormData();
    if (!fileFirst) form.set('expire', String(expire));
    form.set('identities', new File(['ID\na\n'], 'lot.csv', { type: 'text/csv' }));
    if (fileFirst) form.set('expire', String(expire));
    const { status, body, text: answered } = await api.call('POST', `${connector.base}/identities`, form);
    assert.equal(status, 200, answered);
    assert.equal(body.batch.name, 'lot.csv');
    assert.equal((await api.call('GET', connector.base + at('a'))).body.auth.expire, expire);
  }
});

for (const [what, fields, code] of [
  ['no file', { expire: '9000000000000000' }, 'CSV_INVALID'],
  ['an unknown field', { identities: 'ID\na\n', colour: 'red' }, 'SCHEMA'],
  ['an expire that is text', { identities: 'ID\na\n', expire: 'tomorrow' }, 'SCHEMA'],
  ['an expire in seconds', { identities: 'ID\na\n', expire: '1800000000' }, 'SCHEMA'],
  ['an expire that has passed', { identities: 'ID\na\n', expire: '1700000000000000' }, 'SCHEMA'],
] as const) {
  test(`multipart with ${what} is refused, and nothing is written`, async () => {
    const connector = await api.connector();
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    assert.equal((await api.call('POST', `${connector.base}/identities`, form)).body.code, code);
    assert.deepEqual(await identities(connector), []);
    assert.deepEqual(await staged(), []);
  });
}

test('a body of another kind is refused with the kinds that are taken', async () => {
  const connector = await api.connector();
  const { status, body } = await api.call('POST', `${connector.base}/identities`, { identities: [] });
  assert.equal(status, 415);
  assert.match(body.message, /application\/json.*multipart\/form-data or text\/csv/);
  const empty = await api.call('POST', `${connector.base}/identities`);
  assert.equal(empty.body.code, 'CSV_INVALID');
});

test('with Accept: application/x-ndjson progress comes in lines, and last the result', async () => {
  const connector = await api.connector();
  const csv = `ID\n${Array.from({ length: 20_000 }, (_, i) => `device-${i}`).join('\n')}\n`;
  const answer = await send(connector, csv, '', { ...text, accept: 'application/x-ndjson' });
  assert.equal(answer.headers.get('content-type'), 'application/x-ndjson; charset=utf-8');
  const lines = linesOf(answer);
  const progress = lines.slice(0, -1).map((line) => line.progress);
  assert.ok(progress.some(({ phase }) => phase === 'reading') && progress.some(({ phase }) => phase === 'writing'));
  for (const { phase, total } of progress) if (phase === 'writing') assert.equal(total, 20_000);
  const { result } = lines.at(-1)!;
  assert.equal(result.batch.count, 20_000);
  assert.deepEqual((await api.call('GET', `${connector.base}/identities/count`)).body, { count: 20_000 });
});

test('an error after the first line of progress is the last line', async () => {
  const connector = await api.connector();
  const answer = await send(connector, 'ID,Colour\n', '', { ...text, accept: 'application/x-ndjson' });
  const { error } = linesOf(answer).at(-1)!;
  assert.deepEqual([error.statusCode, error.code], [400, 'CSV_INVALID']);
});

// biome-ignore lint/suspicious/noExplicitAny: the tests assert each field that they read
function linesOf({ text: body }: Answer): Record<string, any>[] {
  return body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

for (const multipart of [false, true]) {
  test(`a client that goes away half-way leaves nothing behind (${multipart ? 'multipart' : 'text/csv'})`, async () => {
    const connector = await api.connector();
    const open = multipart ? '--x\r\ncontent-disposition: form-data; name="identities"; filename="a.csv"\r\n\r\n' : '';
    const sent = request(`${api.url}${connector.base}/identities`, {
      method: 'POST',
      headers: {
        authorization: `token ${api.tokens.operator}`,
        'content-type': multipart ? 'multipart/form-data; boundary=x' : 'text/csv',
      },
    });
    sent.on('error', () => {});
    sent.write(`${open}ID\n${Array.from({ length: 20_000 }, (_, i) => `device-${i}`).join('\n')}`);
    while ((await staged()).length === 0) await delay(5);
    sent.destroy();
    while ((await staged()).length > 0) await delay(5);
    assert.deepEqual(await identities(connector), []);
  });
}

test('a refusal in the middle of a long upload is answered, not cut off', async () => {
  const connector = await api.connector();
  const rows = `${'x'.repeat(63)}\n`;
  const body = Readable.from(
    (function* () {
      yield 'ID,Colour\n';
      for (let i = 0; i < 200; i++) yield rows.repeat(1000);
    })(),
  );
  const response = await fetch(`${api.url}${connector.base}/identities`, {
    method: 'POST',
    headers: { ...text, authorization: `token ${api.tokens.operator}` },
    body: Readable.toWeb(body) as ReadableStream,
    duplex: 'half',
  } as RequestInit);
  assert.equal(((await response.json()) as { code: string }).code, 'CSV_INVALID');
});

test('a batch can be undone until one of its devices is provisioned', async () => {
  const connector = await api.connector();
  const first = (await send(connector, 'ID\na\nb\n')).body.batch;
  const seq = await api.store.lastSeq();
  const undone = await api.call('DELETE', `${connector.base}/batches/${first.id}`, undefined, { as: 'operator' });
  assert.equal(undone.status, 200, undone.text);
  assert.deepEqual([undone.body.state, undone.body.count], ['undone', 0]);
  assert.deepEqual(await identities(connector), []);
  assert.deepEqual(await eventsSince(api, connector, seq), ['deleted null']);

  const second = (await send(connector, 'ID\na\nb\n')).body.batch;
  await api.store.changeDevice(connector.id, 'a', (device) => ({
    answer: null,
    device: {
      ...device!,
      credential: { type: 'token', digest: '12'.repeat(32) },
      provisionedAt: Date.now() * 1000,
      expiresAt: null,
    },
  }));
  const refused = await api.call('DELETE', `${connector.base}/batches/${second.id}`);
  assert.equal(refused.body.code, 'STATE_CONFLICT');
  assert.deepEqual(await identities(connector), ['a', 'b']);
  assert.equal((await api.call('DELETE', `${connector.base}/batches/none`)).body.code, 'BATCH_UNKNOWN');
});
