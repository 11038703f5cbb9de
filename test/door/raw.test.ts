/** device-http.md on the level of bytes: whatever arrives is served once, refused with a 4xx, or cut; never half stored. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newConnector, resource } from '../helpers/connector.ts';
import { openTcp, openTls, type RawConnection } from '../helpers/raw.ts';
import { startServer } from '../helpers/server.ts';

const server = await startServer();
after(() => server.stop());
const connector = await newConnector(server, { resources: { a: resource(), b: resource() } });
let devices = 0;

/** A device with a request head to build on. `head` ends without the empty line. */
async function newDevice() {
  const identity = `d${++devices}`;
  const token = await connector.provision(identity);
  const head = (path = '/api:v1/stack/alias', method = 'POST', version = '1.1') =>
    `${method} ${path} HTTP/${version}\r\nHost: ${connector.fqdn}\r\nAuthorization: Token ${token}\r\n`;
  const write = (body: string) => `${head()}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  const read = (query: string) => `${head(`/api:v1/stack/alias?${query}`, 'GET')}\r\n`;
  const values = async () => (await connector.history(identity, 'a')).map((point) => point.value);
  return { identity, token, head, write, read, values };
}

const doors = [
  ['TCP', () => openTcp(server)],
  ['TLS', () => openTls(server, connector.fqdn) as Promise<RawConnection>],
] as const;

for (const [door, open] of doors) {
  test(`${door}: a connection is kept alive, request after request`, async () => {
    const { write, values } = await newDevice();
    const connection = await open();
    for (const body of ['a=1', 'a=2', 'a=3']) {
      await connection.send(write(body));
      assert.equal((await connection.response()).status, 204);
    }
    connection.destroy();
    assert.deepEqual(await values(), ['1', '2', '3']);
  });

  test(`${door}: pipelined requests are answered in order`, async () => {
    const { write, read, head } = await newDevice();
    const connection = await open();
    await connection.send(
      `${write('a=1') + read('a') + write('a=2&b=x') + read('b&a')}${head('/nothing', 'GET')}\r\n${read('a')}`,
    );
    const answers = [];
    for (let at = 0; at < 6; at++) answers.push(await connection.response());
    assert.deepEqual(
      answers.map(({ status }) => status),
      [204, 200, 204, 200, 404, 200],
    );
    assert.deepEqual([answers[1]?.body, answers[3]?.body, answers[5]?.body], ['a=1', 'b=x&a=2', 'a=2']);
    connection.destroy();
  });

  test(`${door}: connections whose requests come in pieces, in turn, never see each other's bytes`, async () => {
    const senders = await Promise.all(
      Array.from({ length: 12 }, async (_, n) => ({ ...(await newDevice()), mark: `${n}`.padStart(2, '0') })),
    );
    const connections = await Promise.all(senders.map(() => open()));
    // The same length for all, so that a piece of one would fit into another's request; two pipelined, one in chunks.
    const streams = senders.map(({ write, head, mark }) => {
      const chunked = `${head()}Transfer-Encoding: chunked\r\n\r\n8\r\na=${mark}thir\r\n1\r\nd\r\n0\r\n\r\n`;
      return `${write(`a=${mark}first`)}${write(`a=${mark}second`)}${chunked}`;
    });
    // Pieces of other lengths on each connection cut requests at every place in some of them.
    const size = (n: number) => 7 + 2 * n;
    const longest = Math.max(...streams.map((stream) => stream.length));
    for (let step = 0; step * size(0) < longest; step += 1) {
      for (const [n, connection] of connections.entries()) {
        const piece = streams[n]!.slice(step * size(n), (step + 1) * size(n));
        if (piece !== '') await connection.send(piece);
      }
    }
    for (const [n, connection] of connections.entries()) {
      const answers = [await connection.response(), await connection.response(), await connection.response()];
      assert.deepEqual(
        answers.map(({ status }) => status),
        [204, 204, 204],
        answers.map(({ body }) => body).join(),
      );
      connection.destroy();
      const { mark, values } = senders[n]!;
      assert.deepEqual(await values(), [`${mark}first`, `${mark}second`, `${mark}third`]);
    }
  });

  test(`${door}: thousands of requests that are refused at once are all answered, and the door goes on`, async () => {
    const { write, values } = await newDevice();
    const connection = await open();
    const refused = 'G / HTTP/1.1\r\nHost:\r\n\r\n';
    await connection.send(write('a=before') + refused.repeat(4_000) + write('a=after'));
    assert.equal((await connection.response()).status, 204);
    for (let at = 0; at < 4_000; at += 1) assert.equal((await connection.response()).status, 404);
    assert.equal((await connection.response()).status, 204);
    connection.destroy();
    assert.deepEqual(await values(), ['before', 'after']);
  });

  test(`${door}: bytes that come one by one make one request`, async () => {
    const { write, values } = await newDevice();
    const connection = await open();
    for (const byte of write('a=%41bc')) await connection.send(byte);
    assert.equal((await connection.response()).status, 204);
    connection.destroy();
    assert.deepEqual(await values(), ['Abc']);
  });

  test(`${door}: a chunked body is taken, with extensions and trailers`, async () => {
    const { head, values } = await newDevice();
    const connection = await open();
    await connection.send(
      `${head()}Transfer-Encoding: chunked\r\n\r\n2\r\na=\r\n3;x=y\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n`,
    );
    assert.equal((await connection.response()).status, 204);
    await connection.send(`${head()}transfer-encoding: Chunked\r\n\r\n3\r\na=2\r\n0\r\n\r\n`);
    assert.equal((await connection.response()).status, 204);
    connection.destroy();
    assert.deepEqual(await values(), ['abc', '2']);
  });

  test(`${door}: a client that closes its side after the request still gets the answer`, async () => {
    const { write, values } = await newDevice();
    const connection = await open();
    await connection.send(write('a=1'));
    connection.end();
    assert.equal((await connection.response()).status, 204);
    assert.equal((await connection.closed()).length, 0);
    assert.deepEqual(await values(), ['1']);
  });

  test(`${door}: a body that is cut off stores nothing`, async () => {
    const { head, values } = await newDevice();
    const begun = `${head()}Content-Length: 100\r\n\r\na=half&b=`;
    const aborted = await open();
    await aborted.send(begun);
    aborted.destroy();
    const halfClosed = await open();
    await halfClosed.send(begun);
    halfClosed.end();
    const rest = (await halfClosed.closed()).toString('latin1');
    assert.ok(rest === '' || rest.startsWith('HTTP/1.1 4'), rest);
    const chunked = await open();
    await chunked.send(`${head()}Transfer-Encoding: chunked\r\n\r\n6\r\na=half\r\n`);
    chunked.end();
    await chunked.closed();
    assert.deepEqual(await values(), []);
  });

  test(`${door}: Expect: 100-continue is answered before the body is sent`, async () => {
    const { head, values } = await newDevice();
    const connection = await open();
    await connection.send(`${head()}Content-Length: 3\r\nExpect: 100-continue\r\n\r\n`);
    await connection.interim('HTTP/1.1 100 Continue');
    await connection.send('a=1');
    assert.equal((await connection.response()).status, 204);
    connection.destroy();
    assert.deepEqual(await values(), ['1']);
  });
}

const host = `Host: ${connector.fqdn}\r\n`;
for (const [what, bytes] of [
  ['a request line of one word', 'GET\r\n\r\n'],
  ['a request line without a version', `GET /timestamp\r\n${host}\r\n`],
  ['an unknown version', `GET /timestamp HTTP/3.7\r\n${host}\r\n`],
  ['an unknown method', `BREW /timestamp HTTP/1.1\r\n${host}\r\n`],
  ['a method with a space before it', ` GET /timestamp HTTP/1.1\r\n${host}\r\n`],
  ['a path with a space', `GET /time stamp HTTP/1.1\r\n${host}\r\n`],
  ['a path with a NUL', `GET /time\0stamp HTTP/1.1\r\n${host}\r\n`],
  ['a path that does not begin with a slash', `GET timestamp HTTP/1.1\r\n${host}\r\n`],
  ['no Host', 'GET /timestamp HTTP/1.1\r\n\r\n'],
  ['two Hosts', `GET /timestamp HTTP/1.1\r\n${host}Host: other.m2.localhost\r\n\r\n`],
  ['a Host that is no host', 'GET /timestamp HTTP/1.1\r\nHost: a b/c\r\n\r\n'],
  ['a header without a colon', `GET /timestamp HTTP/1.1\r\n${host}Nonsense\r\n\r\n`],
  ['a header without a name', `GET /timestamp HTTP/1.1\r\n${host}: x\r\n\r\n`],
  ['a space between name and colon', `GET /timestamp HTTP/1.1\r\n${host}X-A : 1\r\n\r\n`],
  ['a NUL in a header', `GET /timestamp HTTP/1.1\r\n${host}X-A: 1\0\r\n\r\n`],
  ['a folded header', `GET /timestamp HTTP/1.1\r\n${host}X-A: 1\r\n folded: 2\r\n\r\n`],
  ['a bare CR in a header', `GET /timestamp HTTP/1.1\r\n${host}X-A: 1\rX-B: 2\r\n\r\n`],
  ['a TLS ClientHello on the plain port', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
] as const) {
  test(`${what}: refused with a 4xx or cut, and no second answer`, async () => {
    const connection = await openTcp(server);
    await connection.send(bytes);
    connection.end();
    const rest = (await connection.closed()).toString('latin1');
    assert.match(rest, /^(HTTP\/1\.1 4\d\d .*)?$/s);
    assert.equal(rest.split('HTTP/1.1 ').length, rest === '' ? 1 : 2, rest);
  });
}

const chunk = (body: string) => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
for (const [what, headers, body] of [
  ['Transfer-Encoding beside Content-Length', 'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n', chunk('a=1')],
  ['Content-Length beside Transfer-Encoding', 'Transfer-Encoding: chunked\r\nContent-Length: 3\r\n', chunk('a=1')],
  ['an unknown Transfer-Encoding', 'Transfer-Encoding: xchunked\r\n', chunk('a=1')],
  ['Transfer-Encoding: gzip, chunked', 'Transfer-Encoding: gzip, chunked\r\n', chunk('a=1')],
  ['chunked that is not last', 'Transfer-Encoding: chunked, identity\r\n', chunk('a=1')],
  ['chunked twice', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', chunk('a=1')],
  ['Transfer-Encoding with a vertical tab', 'Transfer-Encoding: \vchunked\r\n', chunk('a=1')],
  ['two Content-Lengths that differ', 'Content-Length: 3\r\nContent-Length: 4\r\n', 'a=12'],
  ['a list of Content-Lengths', 'Content-Length: 3, 4\r\n', 'a=12'],
  ['a negative Content-Length', 'Content-Length: -1\r\n', 'a=1'],
  ['a Content-Length with a sign', 'Content-Length: +3\r\n', 'a=1'],
  ['a hexadecimal Content-Length', 'Content-Length: 0x3\r\n', 'a=1'],
  ['a Content-Length that overflows', 'Content-Length: 18446744073709551619\r\n', 'a=1'],
  ['an empty Content-Length', 'Content-Length:\r\n', 'a=1'],
  ['a Content-Length with a fraction', 'Content-Length: 3.0\r\n', 'a=1'],
  ['a chunk size that is no number', 'Transfer-Encoding: chunked\r\n', 'zz\r\na=1\r\n0\r\n\r\n'],
  ['a negative chunk size', 'Transfer-Encoding: chunked\r\n', '-3\r\na=1\r\n0\r\n\r\n'],
  ['a chunk size that overflows', 'Transfer-Encoding: chunked\r\n', 'fffffffffffffffff\r\na=1\r\n0\r\n\r\n'],
  ['a chunk longer than its size', 'Transfer-Encoding: chunked\r\n', '3\r\na=1234\r\n0\r\n\r\n'],
  ['a chunk shorter than its size', 'Transfer-Encoding: chunked\r\n', '9\r\na=1\r\n0\r\n\r\n'],
  ['a chunk line that ends in LF alone', 'Transfer-Encoding: chunked\r\n', '3\na=1\r\n0\r\n\r\n'],
] as const) {
  test(`${what}: 400, nothing stored, and what follows is not taken for a request`, async () => {
    const { head, read, values } = await newDevice();
    const connection = await openTcp(server);
    await connection.send(`${head()}${headers}\r\n${body}${read('a')}`);
    connection.end();
    const rest = (await connection.closed()).toString('latin1');
    assert.match(rest, /^HTTP\/1\.1 4(00|13) /);
    assert.equal(rest.split('HTTP/1.1 ').length, 2, rest);
    assert.deepEqual(await values(), []);
  });
}

test('line ends of LF alone are refused, cut or taken, never read as two requests', async () => {
  const { token, values } = await newDevice();
  const connection = await openTcp(server);
  await connection.send(
    `POST /api:v1/stack/alias HTTP/1.1\nHost: ${connector.fqdn}\nAuthorization: Token ${token}\nContent-Length: 3\n\na=1`,
  );
  connection.end();
  const rest = (await connection.closed()).toString('latin1');
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(rest)?.[1];
  assert.ok(rest === '' || status === '400' || status === '204', rest);
  assert.equal(rest.split('HTTP/1.1 ').length, rest === '' ? 1 : 2, rest);
  assert.equal((await values()).length, status === '204' ? 1 : 0);
});

test('HTTP/1.0 is served, closes after the answer, and stays open when it asks to', async () => {
  const { head, values } = await newDevice();
  const closing = await openTcp(server);
  await closing.send(`${head('/api:v1/stack/alias', 'POST', '1.0')}Content-Length: 3\r\n\r\na=1`);
  assert.equal((await closing.response()).status, 204);
  await closing.closed();
  const keeping = await openTcp(server);
  for (const body of ['a=2', 'a=3']) {
    await keeping.send(
      `${head('/api:v1/stack/alias', 'POST', '1.0')}Connection: keep-alive\r\nContent-Length: 3\r\n\r\n${body}`,
    );
    assert.equal((await keeping.response()).status, 204);
  }
  keeping.destroy();
  assert.deepEqual(await values(), ['1', '2', '3']);
});

test('HTTP/1.0 without a Host: the token alone finds the device', async () => {
  const { token, values } = await newDevice();
  const connection = await openTcp(server);
  await connection.send(
    `POST /onep:v1/stack/alias HTTP/1.0\r\nX-Exosite-CIK: ${token}\r\nContent-Length: 3\r\n\r\na=1`,
  );
  assert.equal((await connection.response()).status, 204);
  assert.deepEqual(await values(), ['1']);
});

test('an absolute request target is served by its path', async () => {
  const { token, values } = await newDevice();
  const connection = await openTcp(server);
  await connection.send(
    `POST http://${connector.fqdn}/api:v1/stack/alias HTTP/1.1\r\n${host}Authorization: Token ${token}\r\nContent-Length: 3\r\n\r\na=1`,
  );
  assert.equal((await connection.response()).status, 204);
  connection.destroy();
  assert.deepEqual(await values(), ['1']);
});

test('Connection: close is honoured', async () => {
  const { head } = await newDevice();
  const connection = await openTcp(server);
  await connection.send(`${head('/timestamp', 'GET')}Connection: close\r\n\r\n`);
  assert.equal((await connection.response()).status, 200);
  assert.equal((await connection.closed()).length, 0);
});

test('an empty line before the request line is skipped', async () => {
  const { write, values } = await newDevice();
  const connection = await openTcp(server);
  await connection.send(`\r\n\r\n${write('a=1')}`);
  assert.equal((await connection.response()).status, 204);
  connection.destroy();
  assert.deepEqual(await values(), ['1']);
});

test('an Upgrade is not followed: the request is served as it is', async () => {
  const { head } = await newDevice();
  const connection = await openTcp(server);
  await connection.send(`${head('/timestamp', 'GET')}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
  assert.equal((await connection.response()).status, 200);
  connection.destroy();
});

test('CONNECT opens no tunnel', async () => {
  const connection = await openTcp(server);
  await connection.send(`CONNECT example.com:80 HTTP/1.1\r\nHost: example.com:80\r\n\r\n`);
  connection.end();
  assert.match((await connection.closed()).toString('latin1'), /^(HTTP\/1\.1 4\d\d .*)?$/s);
});

test('HEAD gives no body, so that the next answer on the connection is not mistaken for it', async () => {
  const connection = await openTcp(server);
  await connection.send(
    `HEAD /timestamp HTTP/1.1\r\n${host}\r\nHEAD /timestamp HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
  );
  const heads = (await connection.closed()).toString('latin1');
  assert.match(heads, /^(HTTP\/1\.1 (200|405) [^\r]*\r\n([\w-]+: [^\r]*\r\n)+\r\n){2}$/);
});

test('a body in a million chunks of one byte costs memory by its bytes, not by its chunks', async () => {
  const { head, values } = await newDevice();
  const memory = async () => {
    const { text } = await server.api('GET', '/metrics');
    return Number(/^process_resident_memory_bytes (\d+)/m.exec(text)?.[1]) / 1_048_576;
  };
  const before = await memory();
  const connection = await openTcp(server);
  await connection.send(`${head()}Transfer-Encoding: chunked\r\n\r\n2\r\na=\r\n`);
  for (let sent = 0; sent < 1_000_000; sent += 10_000) await connection.send('1\r\nx\r\n'.repeat(10_000));
  const grown = (await memory()) - before;
  assert.ok(grown < 64, `${Math.round(grown)} MiB more for a body of 1 MB`);
  await connection.send('0\r\n\r\n');
  assert.equal((await connection.response()).status, 204);
  connection.destroy();
  assert.equal((await values())[0]?.length, 1_000_000);
});

test('a body that goes on without end is cut, and nothing is stored', async () => {
  const { head, values } = await newDevice();
  const connection = await openTcp(server);
  await connection.send(`${head()}Transfer-Encoding: chunked\r\n\r\n2\r\na=\r\n`);
  const block = `10000\r\n${'x'.repeat(65_536)}\r\n`;
  let blocks = 0;
  while (!connection.socket.destroyed && !connection.socket.readableEnded && blocks++ < 1000)
    await connection.send(block);
  assert.ok(blocks < 1000, `${blocks} blocks of 64 KiB were taken`);
  assert.deepEqual(await values(), []);
});

test('a thousand pipelined reads that nobody reads do not stop the door', async () => {
  const { write, read } = await newDevice();
  const greedy = await openTcp(server);
  await greedy.send(write(`a=${'x'.repeat(500_000)}`));
  await greedy.response();
  greedy.socket.pause();
  void greedy.send(read('a').repeat(1000));
  const other = await openTcp(server);
  await other.send(write('a=1'));
  assert.equal((await other.response()).status, 204);
  greedy.destroy();
  other.destroy();
});
