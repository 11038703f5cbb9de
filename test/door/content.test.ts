/** device-http.md, Content: files for devices, by real curl and by bytes; what becomes of them when either side breaks off. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { eventually, newConnector, resource, type TestConnector } from '../helpers/connector.ts';
import { curl, runCurl } from '../helpers/curl.ts';
import { startServer, type TestServer } from '../helpers/server.ts';

const server = await startServer();
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-content-'));
});
after(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** Stores a file as a person does; asserts 201. */
async function store(
  { server, id }: TestConnector,
  name: string,
  bytes: Buffer,
  query = '',
  type = 'application/x-fw',
) {
  const path = `/api:1/service/${id}/device2/content/${name}${query}`;
  const response = await fetch(`http://127.0.0.1:${server.console}${path}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${await server.adminToken()}`, 'content-type': type },
    body: new Uint8Array(bytes),
  });
  const text = await response.text();
  assert.equal(response.status, 201, text);
  return JSON.parse(text);
}

const url = (connector: TestConnector, path: string) => `${connector.server.url(connector.id)}${path}`;
const auth = (token: string) => ['-H', `Authorization: Token ${token}`];

test('a device lists what it is offered, asks what it is, and fetches it whole', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('d1');
  const path = '/provision/download';
  assert.equal((await connector.send(path, { token })).status, 204);
  const bytes = randomBytes(300_000);
  const stored = await store(connector, 'b.bin', bytes, '?meta=v1%2C%20%C3%BC');
  await store(connector, 'a.txt', Buffer.from('hello'), '', 'text/plain; charset=utf-8');
  const list = await connector.send(path, { token });
  assert.deepEqual(
    [list.status, list.headers['content-type'], list.body],
    [200, 'text/csv; charset=utf-8', 'a.txt\nb.bin\n'],
  );
  const info = await connector.send(`${path}?id=b.bin&info=true`, { token });
  assert.equal(info.body, `application/x-fw,300000,${Math.floor(stored.updated / 1e6)},v1, ü`);
  const file = await connector.send(`${path}?id=a.txt`, { token });
  assert.deepEqual([file.status, file.body], [200, 'hello']);
  assert.ok(file.head.includes('Content-Type: text/plain; charset=utf-8'));
  assert.ok(file.head.includes('Accept-Ranges: bytes'));
  assert.ok(file.head.includes(`ETag: "${digest(Buffer.from('hello'))}"`));
  for (const prefix of ['', '/onep:v1', '/api:v1']) {
    const target = join(folder, 'whole.bin');
    await runCurl(server, ['-sSf', ...auth(token), '-o', target, url(connector, `${prefix}${path}?id=b.bin`)]);
    assert.ok(bytes.equals(await readFile(target)));
  }
});

test('a part is a part, byte by byte', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('d1');
  const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, n) => n % 251));
  await store(connector, 'f', bytes);
  const get = async (range: string) => {
    const target = join(folder, 'part.bin');
    const head = join(folder, 'part.head');
    await runCurl(server, [
      '-sS',
      '-D',
      head,
      '-o',
      target,
      '-r',
      range,
      ...auth(token),
      url(connector, '/provision/download?id=f'),
    ]);
    return { head: await readFile(head, 'latin1'), body: await readFile(target) };
  };
  for (const [range, start, end] of [
    ['0-0', 0, 0],
    ['65535-65536', 65_535, 65_536],
    ['100000-', 100_000, 199_999],
    ['-5', 199_995, 199_999],
    ['199999-300000', 199_999, 199_999],
  ] as const) {
    const { head, body } = await get(range);
    assert.match(head, /^HTTP\/1\.1 206 Partial Content\r\n/);
    assert.ok(head.includes(`\r\nContent-Range: bytes ${start}-${end}/200000\r\n`), head);
    assert.ok(head.includes(`\r\nContent-Length: ${end - start + 1}\r\n`), head);
    assert.ok(bytes.subarray(start, end + 1).equals(body), range);
  }
  const beyond = await get('200000-');
  assert.match(beyond.head, /^HTTP\/1\.1 416 /);
  assert.ok(beyond.head.includes('\r\nContent-Range: bytes */200000\r\n'));
  assert.match((await get('0-1,5-6')).head, /^HTTP\/1\.1 200 /);
});

test('a download that broke off goes on where it was, with curl -C -, and gives the same digest', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('d1');
  const bytes = randomBytes(2_000_000);
  await store(connector, 'f', bytes);
  const target = join(folder, 'resumed.bin');
  const call = [...auth(token), '-o', target, url(connector, '/provision/download?id=f')];
  await writeFile(target, bytes.subarray(0, 777_777));
  await runCurl(server, ['-sSf', '-C', '-', ...call]);
  assert.equal(digest(await readFile(target)), digest(bytes));
});

test('If-Range gives the part of the same version, and the whole of another', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('d1');
  await store(connector, 'f', Buffer.from('version one'));
  const path = '/provision/download?id=f';
  const { etag, 'last-modified': modified } = (await connector.send(path, { token })).headers;
  const part = async (ifRange: string) => {
    const { status, body } = await connector.send(path, { token, headers: { Range: 'bytes=8-', 'If-Range': ifRange } });
    return [status, body];
  };
  assert.deepEqual(await part(etag!), [206, 'one']);
  assert.deepEqual(await part(modified!), [206, 'one']);
  await store(connector, 'f', Buffer.from('version two'));
  assert.deepEqual(await part(etag!), [200, 'version two']);
  // Within the same second, too: no two versions share one.
  assert.deepEqual(await part(modified!), [200, 'version two']);
});

test('only what is offered to a device is there for it: by tag, by batch, to all, to nobody', async () => {
  const connector = await newConnector(server);
  const import_ = await connector.api('POST', '/identities', csvForm('ID\nlot-1\n'));
  const tokens = {
    lot: await connector.activate('lot-1'),
    tagged: await connector.provision('tagged'),
    plain: await connector.provision('plain'),
  };
  await connector.change('tagged', { tags: { site: ['berlin', 'lab'] } });
  await store(connector, 'all', Buffer.from('x'));
  await store(connector, 'batch', Buffer.from('x'), `?offer=batch:${import_.body.batch.id}`);
  await store(connector, 'nobody', Buffer.from('x'), '?offer=none');
  await store(connector, 'tag', Buffer.from('x'), '?offer=tag:site:lab');
  const list = async (token: string) => (await connector.send('/provision/download', { token })).body;
  assert.equal(await list(tokens.lot), 'all\nbatch\n');
  assert.equal(await list(tokens.tagged), 'all\ntag\n');
  assert.equal(await list(tokens.plain), 'all\n');
  for (const id of ['tag', 'nobody', 'batch', 'never-was']) {
    for (const more of ['', '&info=true']) {
      const answer = await connector.send(`/provision/download?id=${id}${more}`, { token: tokens.plain });
      assert.equal(answer.status, 404, `${id}: ${answer.body}`);
      // What is not offered cannot be told from what is not there.
      assert.equal(answer.body.replace(id, ''), 'There is no such file, or none that is offered: saw .\n');
    }
  }
  assert.equal((await connector.api('DELETE', '/identity/tagged/tags/site')).status, 204);
  assert.equal(await list(tokens.tagged), 'all\n');
  const other = await newConnector(server);
  const stranger = await other.provision('d1');
  assert.equal((await other.send('/provision/download?id=all', { token: stranger })).status, 404);
});

function csvForm(text: string): FormData {
  const form = new FormData();
  form.set('identities', new Blob([text], { type: 'text/csv' }), 'lot.csv');
  return form;
}

test('without a credential, or with another method, nothing is told', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('d1');
  await store(connector, 'f', Buffer.from('x'));
  for (const path of ['/provision/download', '/provision/download?id=f', '/provision/download?id=f&info=true']) {
    assert.equal((await connector.send(path)).status, 401);
    assert.equal((await connector.send(path, { token: '0'.repeat(40) })).status, 401);
  }
  assert.equal((await connector.send('/provision/upload?id=f', { body: 'x' })).status, 401);
  const post = await connector.send('/provision/download?id=f', { token, body: 'x' });
  assert.deepEqual([post.status, post.headers.allow], [405, 'GET']);
  assert.equal((await connector.send('/provision/upload?id=f', { token })).status, 405);
});

test('who fetched a file, and when, is known; a part in the middle is not all of it', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('d1');
  const { sha256 } = await store(connector, 'f', Buffer.alloc(100_000, 'x'));
  const fetches = async () => (await connector.api('GET', '/content/f/fetches')).body.fetches;
  await connector.send('/provision/download?id=f', { token, headers: { Range: 'bytes=0-9' } });
  await eventually('the beginning is noted', async () => (await fetches()).length === 1);
  assert.deepEqual([(await fetches())[0].identity, (await fetches())[0].completed], ['d1', null]);
  await connector.send('/provision/download?id=f', { token, headers: { Range: 'bytes=10-' } });
  await eventually('the end is noted', async () => (await fetches())[0].completed !== null);
  const [fetch] = await fetches();
  assert.deepEqual([fetch.times, fetch.sha256, fetch.current], [1, sha256, true]);
  await eventually('the log tells of it', async () => (await connector.events('content_out')).length === 1);
  const [event] = await connector.events('content_out');
  assert.deepEqual([event!.identity, event!.payload], ['d1', { id: 'f', bytes: 100_000, sha256 }]);
});

test('devices send files where the connector allows it: bounded, logged, their own, offered to nobody', async () => {
  const connector = await newConnector(server);
  const tokens = [await connector.provision('d1'), await connector.provision('d2')] as const;
  const path = '/provision/upload?id=log.txt';
  const send = (token: string, body: string | Buffer, to = path) =>
    connector.send(to, { token, body, contentType: 'text/plain' });
  assert.equal((await send(tokens[0], 'one')).status, 403);
  await connector.set({ content: { device_upload: true, device_upload_bytes: 1000 } });
  assert.equal((await send(tokens[0], 'one')).status, 204);
  assert.equal((await send(tokens[1], 'two')).status, 204);
  assert.equal((await send(tokens[0], 'three')).status, 204);
  const read = async (id: string) => (await connector.api('GET', `/content/${encodeURIComponent(id)}`)).text;
  assert.deepEqual([await read('d1/log.txt'), await read('d2/log.txt')], ['three', 'two']);
  const listed = (await connector.api('GET', '/content')).body.content;
  assert.deepEqual(
    listed.map(({ id, device, who, offer, type }: Record<string, string>) => [id, device, who, offer, type]),
    [
      ['d1/log.txt', 'd1', null, 'none', 'text/plain'],
      ['d2/log.txt', 'd2', null, 'none', 'text/plain'],
    ],
  );
  const events = await connector.events('content_in');
  assert.deepEqual(
    events.map(({ identity, payload }) => `${identity} ${payload.id} ${payload.bytes}`),
    ['d1 d1/log.txt 3', 'd2 d2/log.txt 3', 'd1 d1/log.txt 5'],
  );
  assert.equal((await send(tokens[0], 'x'.repeat(1001))).status, 413);
  for (const id of ['', '..', 'a%2Fb', 'd2%2Flog.txt', 'x'.repeat(129)]) {
    assert.equal((await send(tokens[0], 'x', `/provision/upload?id=${id}`)).status, 400, id);
  }
  assert.equal((await send(tokens[0], 'x', '/provision/upload')).status, 400);
  assert.equal((await connector.send('/provision/download', { token: tokens[0] })).status, 204);
  for (let n = 1; n < 16; n += 1) assert.equal((await send(tokens[0], 'x', `/provision/upload?id=f${n}`)).status, 204);
  assert.equal((await send(tokens[0], 'x', '/provision/upload?id=f16')).status, 409);
  assert.equal((await send(tokens[0], 'x')).status, 204);
});

test('all files of the devices of a connector have one bound, which other connectors do not share', async () => {
  const bounded = { content: { device_upload: true, device_upload_total_bytes: 20_000 } };
  const [one, other] = [await newConnector(server, bounded), await newConnector(server, bounded)];
  const tokens = [await one.provision('d1'), await one.provision('d2')] as const;
  const send = async (token: string, id: string, bytes: number, connector = one) =>
    (await connector.send(`/provision/upload?id=${id}`, { token, body: 'x'.repeat(bytes) })).status;
  // However small it is, a file takes a block of the disk.
  for (const id of ['a', 'b', 'c']) assert.equal(await send(tokens[0], id, 1), 204);
  assert.equal(await send(tokens[1], 'a', 7_000), 204);
  const full = await one.send('/provision/upload?id=b', { token: tokens[1], body: 'x' });
  assert.equal(full.status, 507);
  assert.match(full.body, /saw 19288 bytes of files from devices of this connector, expected at most 20000/);
  assert.equal(await send(tokens[0], 'a', 4_096), 204);
  assert.equal(await send(tokens[0], 'a', 5_000), 507);
  assert.equal(await send(await other.provision('d1'), 'a', 7_000, other), 204);
  assert.equal((await one.api('DELETE', '/content/d2%2Fa')).status, 204);
  assert.equal(await send(tokens[1], 'b', 7_000), 204);
  // Of a bound that was set lower, nothing more fits; what does not grow is taken.
  await one.set({ content: { device_upload_total_bytes: 1 } });
  assert.equal(await send(tokens[1], 'b', 7_001), 507);
  assert.equal(await send(tokens[1], 'b', 6_000), 204);
});

test('what people offered of a device is no longer offered once the device sends other bytes', async () => {
  const connector = await newConnector(server, { content: { device_upload: true } });
  const tokens = [await connector.provision('d1'), await connector.provision('d2')] as const;
  const send = (body: string) => connector.send('/provision/upload?id=f', { token: tokens[0], body });
  await send('checked');
  assert.equal((await connector.api('PATCH', '/content/d1%2Ff', { offer: 'all' })).status, 200);
  const fetch = () => connector.send('/provision/download?id=d1%2Ff', { token: tokens[1] });
  assert.equal((await fetch()).body, 'checked');
  await send('not checked');
  assert.equal((await fetch()).status, 404);
});

/** A device that asks for a file and then reads only when told to. */
async function slowReader(connector: TestConnector, token: string, id: string): Promise<TLSSocket> {
  const servername = `${connector.id}.m2.localhost`;
  const socket = connectTls({
    host: '127.0.0.1',
    port: server.https,
    servername,
    ca: await readFile(server.caPath),
    highWaterMark: 16_384,
  } as never);
  await once(socket, 'secureConnect');
  socket.on('error', () => {});
  socket.write(
    `GET /provision/download?id=${id} HTTP/1.1\r\nHost: ${servername}\r\nAuthorization: Token ${token}\r\n\r\n`,
  );
  await once(socket, 'readable');
  return socket;
}

test('readers that stand still hold next to no memory of the server', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('d1');
  const bytes = randomBytes(32 << 20);
  await store(connector, 'large', bytes);
  const resident = async () =>
    Number(/VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${server.process.pid}/status`, 'utf8'))?.[1]) * 1024;
  const tokens = [
    token,
    ...(await Promise.all(['d2', 'd3', 'd4', 'd5'].map((identity) => connector.provision(identity)))),
  ];
  const warm = await slowReader(connector, token, 'large');
  warm.destroy();
  const before = await resident();
  const readers = await Promise.all(
    Array.from({ length: 40 }, (_, n) => slowReader(connector, tokens[n % 5]!, 'large')),
  );
  await delay(1000);
  const grown = (await resident()) - before;
  // All of it 40 times would be 1.3 GB.
  assert.ok(grown < 96 << 20, `${grown} bytes more`);
  assert.equal(await connector.write('a=1', { token }), 204);
  // A device has its share of them, and no more.
  const ninth = await connector.send('/provision/download?id=large', { token });
  assert.deepEqual([ninth.status, ninth.headers['retry-after']], [429, '10']);
  const [first] = readers;
  const got: Buffer[] = [first!.read() as Buffer];
  first!.on('data', (chunk: Buffer) => got.push(chunk));
  const length = () => got.reduce((sum, chunk) => sum + (chunk?.length ?? 0), 0);
  await eventually('a slow reader gets all of it in the end', async () => length() > bytes.length);
  const all = Buffer.concat(got.filter(Boolean));
  assert.ok(all.subarray(all.indexOf('\r\n\r\n') + 4).equals(bytes));
  for (const reader of readers) reader.destroy();
});

for (const { what, cut } of [
  { what: 'locked', cut: (connector: TestConnector) => connector.change('d1', { locked: true }) },
  { what: 'revoked', cut: (connector: TestConnector) => connector.change('d1', { auth: { expire: 0 } }) },
  { what: 'deleted', cut: (connector: TestConnector) => connector.api('DELETE', '/identity/d1') },
]) {
  test(`a device that is ${what} while it downloads is cut off, also while it stands still`, async () => {
    const connector = await newConnector(server);
    const token = await connector.provision('d1');
    await store(connector, 'large', randomBytes(32 << 20));
    const reader = await slowReader(connector, token, 'large');
    const closed = once(reader, 'close');
    await cut(connector);
    await delay(2500);
    // What the kernel holds for it already is read, and then nothing more comes.
    let read = 0;
    reader.on('data', (chunk: Buffer) => {
      read += chunk.length;
    });
    await closed;
    assert.ok(read < 32 << 20, `${read} bytes`);
    assert.ok([401, 403].includes((await connector.send('/provision/download', { token })).status));
  });
}

test('a file that is replaced or deleted during a download never gives a mixture', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('d1');
  const bytes = randomBytes(8 << 20);
  await store(connector, 'f', bytes);
  const reader = await slowReader(connector, token, 'f');
  await store(connector, 'f', randomBytes(8 << 20));
  const got: Buffer[] = [reader.read() as Buffer];
  reader.on('data', (chunk: Buffer) => got.push(chunk));
  await eventually(
    'it ends',
    async () => reader.destroyed || got.reduce((n, c) => n + (c?.length ?? 0), 0) > bytes.length,
  );
  const all = Buffer.concat(got.filter(Boolean));
  const body = all.subarray(all.indexOf('\r\n\r\n') + 4);
  assert.ok(bytes.subarray(0, body.length).equals(body));
  reader.destroy();
});

test('requests behind a download on the same connection are answered after it', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('d1');
  await store(connector, 'f', Buffer.from('12345'));
  const target = url(connector, '/provision/download?id=f');
  const { stdout } = await runCurl(server, ['-sS', ...auth(token), target, url(connector, '/timestamp'), target]);
  assert.match(stdout.toString(), /^12345\d{10}12345$/);
});

/** Begins to store a file and stops in the middle; `socket` is to be ended by the caller. */
async function halfUpload(server: TestServer, { id }: TestConnector, name: string) {
  const upload = httpRequest({
    ...{ host: '127.0.0.1', port: server.console, method: 'PUT' },
    path: `/api:1/service/${id}/device2/content/${name}`,
    headers: { authorization: `Bearer ${await server.adminToken()}`, 'content-length': 10 << 20 },
  });
  upload.on('error', () => {});
  upload.write(randomBytes(5 << 20));
  const incoming = join(server.data, 'content', 'incoming');
  await eventually('bytes have come in', async () => (await readdir(incoming)).length === 1);
  return upload;
}

test('an upload that breaks off leaves nothing: by the client, and by kill -9 of the server', async () => {
  const killed = await startServer();
  try {
    const connector = await newConnector(killed);
    const token = await connector.provision('d1');
    const bytes = randomBytes(300_000);
    await store(connector, 'f', bytes);
    const kept = async () => {
      const names = await readdir(join(killed.data, 'content'), { recursive: true });
      return names.filter((name) => /[0-9a-f]{64}$|incoming\/./.test(name)).map((name) => name.split('/').at(-1));
    };
    const broken = await halfUpload(killed, connector, 'f');
    broken.destroy();
    await eventually('what came in is gone', async () => (await kept()).length === 1);
    const upload = await halfUpload(killed, connector, 'f');
    await killed.kill9();
    upload.destroy();
    assert.equal((await kept()).length, 2);
    await killed.restart();
    assert.deepEqual(await kept(), [digest(bytes)]);
    const target = join(folder, 'after-kill.bin');
    await runCurl(killed, ['-sSf', ...auth(token), '-o', target, url(connector, '/provision/download?id=f')]);
    assert.ok(bytes.equals(await readFile(target)));
  } finally {
    await killed.stop();
    await rm(killed.data, { recursive: true, force: true });
  }
});

test('a rollout holds itself when devices report failure, and each step is in the log', async () => {
  const connector = await newConnector(server, { resources: { fw: resource() } });
  const identities = Array.from({ length: 12 }, (_, n) => `d${n}`);
  const tokens = new Map<string, string>();
  for (const identity of identities) tokens.set(identity, await connector.provision(identity));
  await store(connector, 'fw.bin', Buffer.from('x'), '?offer=none');
  const act = async (method: string, body?: object) =>
    (await connector.api(method, '/content/fw.bin/rollout', body)).status;
  const watch = { resource: 'fw', failure: ['failed'], success: ['ok'], share: 0.4 };
  assert.equal(await act('PUT', { steps: [50, 100], watch }), 400);
  await connector.api('PATCH', '/content/fw.bin', { offer: 'all' });
  assert.equal(await act('PUT', { steps: [50, 100], watch: { ...watch, resource: 'nobody-defined' } }), 400);
  assert.equal(await act('PUT', { steps: [50, 100], watch }), 200);
  assert.equal(await act('PUT', { steps: [50, 100], watch }), 409);
  const offered = async () => {
    const found: string[] = [];
    for (const [identity, token] of tokens) {
      if ((await connector.send('/provision/download', { token })).status === 200) found.push(identity);
    }
    return found;
  };
  const chosen = await offered();
  assert.ok(chosen.length > 0 && chosen.length < 12, `${chosen.length} of 12`);
  assert.deepEqual(await offered(), chosen);
  for (const identity of chosen) {
    const token = tokens.get(identity)!;
    await connector.send('/provision/download?id=fw.bin', { token });
    await connector.write('fw=ok', { token });
  }
  const info = async () => (await connector.api('GET', '/content/fw.bin/info')).body;
  await eventually('all have reported', async () => (await info()).figures.succeeded === chosen.length);
  assert.equal(await act('PATCH', { action: 'advance' }), 200);
  assert.deepEqual(await offered(), identities);
  for (const identity of identities) {
    const token = tokens.get(identity)!;
    await connector.send('/provision/download?id=fw.bin', { token });
    await connector.write('fw=failed', { token });
  }
  await eventually('it is held', async () => (await info()).rollout.state === 'held');
  assert.deepEqual(await offered(), []);
  assert.match((await info()).rollout.reason, /devices that took it report failure on fw/);
  assert.equal(await act('PATCH', { action: 'resume' }), 200);
  // What they had reported before does not hold it again.
  await delay(3000);
  assert.deepEqual([(await info()).rollout.state, (await info()).figures.failed], ['running', 0]);
  assert.equal(await act('DELETE'), 200);
  assert.deepEqual(await offered(), []);
  const steps = (await connector.events('rollout')).map(
    ({ payload }) => `${payload.action} ${payload.percent} ${payload.who}`,
  );
  assert.deepEqual(steps, [
    'started 50 admin@localhost',
    'advanced 100 admin@localhost',
    'held 0 null',
    'resumed 100 admin@localhost',
    'stopped 0 admin@localhost',
  ]);
});

test('a rollout goes on by itself when its time has come', async () => {
  const connector = await newConnector(server);
  await store(connector, 'f', Buffer.from('x'));
  await connector.api('PUT', '/content/f/rollout', { steps: [1, 100], every: 1 });
  await eventually(
    'it is done',
    async () => (await connector.api('GET', '/content/f/info')).body.rollout.state === 'done',
  );
  const steps = (await connector.events('rollout')).map(
    ({ payload }) => `${payload.action} ${payload.percent} ${payload.who}`,
  );
  assert.deepEqual(steps, ['started 1 admin@localhost', 'advanced 100 null', 'done 100 null']);
});

test('curl sees a clear answer to a range that cannot be met', async () => {
  const connector = await newConnector(server);
  const token = await connector.provision('d1');
  await store(connector, 'f', Buffer.from('12345'));
  const answer = await curl(server, [...auth(token), '-r', '5-', url(connector, '/provision/download?id=f')]);
  assert.deepEqual([answer.status, answer.headers['content-range']], [416, 'bytes */5']);
  assert.match(answer.body, /^The range lies outside of the file: saw Range: bytes=5-, expected bytes below 5\.\n$/);
});
