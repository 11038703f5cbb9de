/** Files for devices over the management API: stored, described, given back, deleted. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually } from '../helpers/connector.ts';
import { type Answer, startApi, type TestApi, type TestConnector } from './harness.ts';

let api: TestApi;
before(async () => {
  api = await startApi();
});
after(() => api.close());

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');
const put = (connector: TestConnector, id: string, body: string, type = 'text/plain') =>
  api.call('PUT', `${connector.base}/content/${id}`, body, { headers: { 'content-type': type } });
const code = ({ body }: Answer) => body.code;

async function bytesOf(path: string, headers: Record<string, string> = {}) {
  const authorization = `token ${api.tokens.viewer}`;
  const response = await fetch(api.url + path, { headers: { authorization, ...headers } });
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
}

test('a file is stored with its type, digest and meta, and given back as it was', async () => {
  const connector = await api.connector();
  const body = '{"a":1}';
  const stored = await put(connector, 'config.json?meta=v%201&offer=tag:a:b', body, 'application/json');
  assert.equal(stored.status, 201, stored.text);
  const { created, updated, ...rest } = stored.body;
  assert.equal(created, updated);
  assert.deepEqual(rest, {
    ...{ id: 'config.json', type: 'application/json', bytes: 7, sha256: sha256(body), meta: 'v 1' },
    ...{ who: 'admin@localhost', device: null, offer: 'tag:a:b', rollout: null },
  });
  const path = `${connector.base}/content/config.json`;
  const read = await bytesOf(path);
  assert.deepEqual([read.status, read.bytes.toString()], [200, body]);
  assert.equal(read.headers.get('content-type'), 'application/json');
  assert.equal(read.headers.get('etag'), `"${sha256(body)}"`);
  // It must never be a page of this server, whatever is in it.
  assert.equal(read.headers.get('content-disposition'), 'attachment; filename="config.json"');
  assert.match(read.headers.get('content-security-policy') ?? '', /sandbox/);
  const part = await bytesOf(path, { range: 'bytes=2-4' });
  assert.deepEqual(
    [part.status, part.bytes.toString(), part.headers.get('content-range')],
    [206, 'a":', 'bytes 2-4/7'],
  );
  const beyond = await api.call('GET', path, undefined, { headers: { range: 'bytes=7-' } });
  assert.deepEqual([code(beyond), beyond.headers.get('content-range')], ['RANGE_UNMET', 'bytes */7']);
  const head = await fetch(api.url + path, {
    method: 'HEAD',
    headers: { authorization: `token ${api.tokens.viewer}` },
  });
  assert.deepEqual([head.status, head.headers.get('content-length')], [200, '7']);
});

test('a form stores the same, its fields in any order, its name the id unless another is given', async () => {
  const connector = await api.connector();
  const form = (fields: readonly (readonly [string, string])[], ...files: [string, string][]) => {
    const form = new FormData();
    for (const [name, text] of files) form.append('file', new Blob([text], { type: 'text/x-fw' }), name);
    for (const [name, value] of fields) form.append(name, value);
    return api.call('POST', `${connector.base}/content`, form);
  };
  const plain = await form([], ['fw.bin', 'one']);
  assert.deepEqual(
    [plain.status, plain.body.id, plain.body.type, plain.body.offer],
    [201, 'fw.bin', 'text/x-fw', 'all'],
  );
  const named = await form(
    [
      ['offer', 'none'],
      ['id', 'other'],
      ['meta', 'm'],
      ['type', 'a/b'],
    ],
    ['fw.bin', 'two'],
  );
  assert.deepEqual([named.body.id, named.body.type, named.body.meta, named.body.offer], ['other', 'a/b', 'm', 'none']);
  assert.equal(code(await form([['id', 'x']])), 'SCHEMA');
  assert.equal(code(await form([['what', 'x']], ['fw.bin', 'one'])), 'SCHEMA');
  assert.equal(code(await form([], ['a', 'one'], ['b', 'two'])), 'SCHEMA');
  assert.equal(code(await form([], ['not a name', 'one'])), 'CONTENT_INVALID');
  assert.equal(code(await form([['offer', 'everybody']], ['a', 'one'])), 'CONTENT_INVALID');
  const { content } = (await api.call('GET', `${connector.base}/content`)).body;
  assert.deepEqual(
    content.map(({ id }: { id: string }) => id),
    ['fw.bin', 'other'],
  );
});

test('what does not fit is refused by name, and leaves no bytes', async () => {
  const connector = await api.connector();
  const before = await readdir(join(api.folder, 'content'), { recursive: true });
  for (const id of ['a%20b', 'a%2Fb', '-x', 'x'.repeat(129)])
    assert.equal(code(await put(connector, id, 'x')), 'CONTENT_INVALID', id);
  assert.equal(code(await put(connector, 'f?offer=x', 'x')), 'CONTENT_INVALID');
  assert.equal(code(await put(connector, 'f?meta=a%0Ab', 'x')), 'CONTENT_INVALID');
  assert.equal(code(await put(connector, `f?meta=${'x'.repeat(1025)}`, 'x')), 'SCHEMA');
  assert.equal(code(await put(connector, 'f', 'x', 'a/b; c="d,e"')), 'CONTENT_INVALID');
  assert.equal(code(await put(connector, 'f', 'x', 'a/b,c')), 'MEDIA_TYPE');
  assert.equal(
    code(await put({ ...connector, base: connector.base.replace(connector.id, 'nobody') }, 'f', 'x')),
    'CONNECTOR_UNKNOWN',
  );
  assert.deepEqual(await readdir(join(api.folder, 'content'), { recursive: true }), before);
  for (const path of ['', '/info', '/fetches']) {
    assert.equal(code(await api.call('GET', `${connector.base}/content/none${path}`)), 'CONTENT_UNKNOWN', path);
  }
  for (const [method, path, body] of [
    ['DELETE', '', undefined],
    ['PATCH', '', { meta: 'x' }],
    ['PUT', '/rollout', {}],
    ['PATCH', '/rollout', { action: 'hold' }],
    ['DELETE', '/rollout', undefined],
  ] as const) {
    assert.equal(
      code(await api.call(method, `${connector.base}/content/none${path}`, body)),
      'CONTENT_UNKNOWN',
      method + path,
    );
  }
});

test('a description changes without the bytes; a file that is deleted is gone', async () => {
  const connector = await api.connector();
  await put(connector, 'f', 'x');
  const path = `${connector.base}/content/f`;
  const changed = await api.call('PATCH', path, { offer: 'batch:b', meta: 'new', type: 'a/b' });
  assert.deepEqual(
    [changed.body.offer, changed.body.meta, changed.body.type, changed.body.bytes],
    ['batch:b', 'new', 'a/b', 1],
  );
  assert.equal(code(await api.call('PATCH', path, {})), 'SCHEMA');
  assert.equal(code(await api.call('PATCH', path, { offer: 'x' })), 'CONTENT_INVALID');
  for (const type of ['text/plain;\r\n\r\na=b', 'text/plain;\na=b', 'text/plain\v;a=b', 'text/plain;\u2028a=b'])
    assert.equal(code(await api.call('PATCH', path, { type })), 'CONTENT_INVALID', JSON.stringify(type));
  assert.equal((await api.call('DELETE', path)).status, 204);
  assert.equal(code(await api.call('DELETE', path)), 'CONTENT_UNKNOWN');
});

test('while a rollout runs neither the bytes nor the offer can be changed, the meta can', async () => {
  const connector = await api.connector();
  await put(connector, 'f', 'x');
  const path = `${connector.base}/content/f`;
  assert.equal(code(await api.call('PUT', `${path}/rollout`, { steps: [50, 10] })), 'ROLLOUT_INVALID');
  const started = await api.call('PUT', `${path}/rollout`, {});
  assert.deepEqual([started.body.rollout.steps, started.body.rollout.percent], [[1, 10, 100], 1]);
  assert.equal(code(await put(connector, 'f', 'y')), 'ROLLOUT_STATE');
  assert.equal(code(await api.call('PATCH', path, { offer: 'none' })), 'ROLLOUT_STATE');
  assert.equal((await api.call('PATCH', path, { meta: 'm', offer: 'all' })).body.meta, 'm');
  assert.equal(code(await api.call('PUT', `${path}/rollout`, {})), 'ROLLOUT_STATE');
  assert.equal(code(await api.call('PATCH', `${path}/rollout`, { action: 'resume' })), 'ROLLOUT_STATE');
  assert.equal((await api.call('PATCH', `${path}/rollout`, { action: 'hold' })).body.rollout.reason, 'by hand');
  const stopped = await api.call('DELETE', `${path}/rollout`);
  assert.deepEqual([stopped.body.rollout, stopped.body.offer], [null, 'none']);
  assert.equal(code(await api.call('DELETE', `${path}/rollout`)), 'ROLLOUT_UNKNOWN');
  assert.equal((await put(connector, 'f', 'y')).status, 201);
});

test('figures tell how many devices a file is for, and about how many are chosen', async () => {
  const connector = await api.connector();
  for (let n = 0; n < 20; n += 1) {
    await api.call('PUT', `${connector.base}/identity/d${n}`, { tags: n < 10 ? { site: ['lab'] } : {} });
  }
  await put(connector, 'f?offer=tag:site:lab', 'x');
  const figures = async () => (await api.call('GET', `${connector.base}/content/f/info`)).body.figures;
  const none = { taken: 0, completed: 0, failed: 0, succeeded: 0 };
  assert.deepEqual(await figures(), { devices: 10, chosen: 10, ...none });
  await api.call('PUT', `${connector.base}/content/f/rollout`, { steps: [50, 100] });
  assert.deepEqual(await figures(), { devices: 10, chosen: 5, ...none });
});

/** Sends bytes of a request; resolves with the status line of the answer. */
function sendRaw(text: string, body: Buffer): Promise<string> {
  const { port, hostname } = new URL(api.url);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect(Number(port), hostname);
  socket.on('error', reject);
  socket.once('data', (data) => {
    resolve(data.toString().split('\r\n')[0]!);
    socket.destroy();
  });
  socket.write(text);
  socket.write(body);
  return promise;
}

test('a file that says beforehand that it is too large is refused before it is sent', async () => {
  const connector = await api.connector();
  const head = `PUT ${connector.base}/content/f HTTP/1.1\r\nHost: x\r\nAuthorization: token ${api.tokens.operator}\r\n`;
  const line = await sendRaw(`${head}Content-Length: ${(256 << 20) + 1}\r\n\r\n`, randomBytes(1000));
  assert.equal(line, 'HTTP/1.1 413 Payload Too Large');
});

test('a file without a length, in chunks and of no type, is taken as it comes', async () => {
  const connector = await api.connector();
  const head = `PUT ${connector.base}/content/f HTTP/1.1\r\nHost: x\r\nAuthorization: token ${api.tokens.operator}\r\n`;
  const line = await sendRaw(`${head}Transfer-Encoding: chunked\r\n\r\n`, Buffer.from('5\r\nhello\r\n0\r\n\r\n'));
  assert.equal(line, 'HTTP/1.1 201 Created');
  const { type, bytes } = (await api.call('GET', `${connector.base}/content/f/info`)).body;
  assert.deepEqual([type, bytes], ['application/octet-stream', 5]);
});

const proc = '/proc/self/fd';
const without = existsSync(proc) ? false : `${proc} is not there, which tells the files that are open`;

test('downloads that are given up, at whatever moment, leave no file open', { skip: without }, async () => {
  const connector = await api.connector();
  await put(connector, 'f', 'x'.repeat(3_000_000));
  const { port, hostname } = new URL(api.url);
  const head = `GET ${connector.base}/content/f HTTP/1.1\r\nHost: x\r\nAuthorization: token ${api.tokens.viewer}\r\n\r\n`;
  for (let n = 0; n < 60; n += 1) {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(head);
    if (n % 3 === 0) socket.destroy();
    else if (n % 3 === 1) setImmediate(() => socket.destroy());
    else socket.once('data', () => socket.destroy());
    await once(socket, 'close');
  }
  await eventually('no file is open', async () => {
    const names = await readdir(proc);
    const targets = await Promise.all(names.map((name) => readlink(join(proc, name)).catch(() => '')));
    return !targets.some((target) => target.includes('/content/'));
  });
});

test('a download ends with the session that began it, however slowly it is taken', async () => {
  let now = Date.now() * 1000;
  const own = await startApi({ clock: () => now });
  try {
    const { base } = await own.connector();
    const bytes = 32 << 20;
    assert.equal((await own.call('PUT', `${base}/content/f`, 'x'.repeat(bytes))).status, 201);
    const authorization = `token ${own.tokens.viewer}`;
    const begin = async () => {
      const [answer] = (await once(
        get(`${own.url}${base}/content/f`, { agent: false, headers: { authorization } }),
        'response',
      )) as [IncomingMessage];
      await once(answer, 'readable');
      return answer;
    };
    const taken = async (answer: IncomingMessage) => {
      let sum = 0;
      for await (const chunk of answer) sum += (chunk as Buffer).length;
      return sum;
    };
    const [before, after] = [await begin(), await begin()];
    now += 6_000_000;
    assert.equal(await taken(before), bytes);
    assert.equal((await own.call('DELETE', '/api:1/token/', undefined, { as: 'viewer' })).status, 204);
    now += 6_000_000;
    await assert.rejects(taken(after), { code: 'ECONNRESET' });
  } finally {
    await own.close();
  }
});

test('a file that the disk does not let go of is deleted all the same, and the server goes on', async () => {
  const own = await startApi();
  try {
    const { base } = await own.connector();
    for (const id of ['a', 'b']) assert.equal((await own.call('PUT', `${base}/content/${id}`, id)).status, 201);
    const incoming = join(own.folder, 'content', 'incoming');
    await rm(incoming, { recursive: true });
    await writeFile(incoming, 'no folder');
    assert.equal((await own.call('DELETE', `${base}/content/a`)).status, 204);
    assert.equal(code(await own.call('PUT', `${base}/content/b`, 'c')), 'STORAGE_UNAVAILABLE');
    await rm(incoming);
    await mkdir(incoming);
    assert.equal((await own.call('PUT', `${base}/content/b`, 'c')).status, 201);
    assert.equal(code(await own.call('GET', `${base}/content/a`)), 'CONTENT_UNKNOWN');
  } finally {
    await own.close();
  }
});
