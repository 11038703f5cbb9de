/** One delivery to receivers that fail, hang, answer slowly, without end or with a redirect, and to names that lead elsewhere. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { type PostOptions, post } from '../../src/events/webhooks/post.ts';
import { openFactory } from '../helpers/authority.ts';
import { startNameServer } from '../helpers/dns.ts';
import { type Receiver, startReceiver } from '../helpers/receiver.ts';

const allowed = ['127.0.0.0/8'];
let receiver: Receiver;
before(async () => {
  receiver = await startReceiver();
});
after(() => receiver.close());

const send = (url: string, options: Partial<PostOptions> = {}) => {
  const { signal } = new AbortController();
  return post(
    url,
    '{"events":[]}',
    { 'content-type': 'application/json' },
    { allowed, timeout: 60_000, signal, ...options },
  );
};

test('an answer of 2xx is a success, also one whose end never comes', async () => {
  receiver.behave(null);
  assert.deepEqual(await send(receiver.url), { status: 204, error: null });
  receiver.behave((_, response) => void response.writeHead(202).write('more to come'));
  assert.deepEqual(await send(receiver.url, { timeout: 500 }), { status: 202, error: null });
});

test('any other answer is a failure that names it', async () => {
  for (const status of [400, 401, 404, 410, 429, 500, 503]) {
    receiver.behave((_, response) => void response.writeHead(status).end('secret of theirs'));
    assert.deepEqual(await send(receiver.url), { status, error: `it answered ${status}` });
  }
});

test('a redirect is not followed, wherever it leads', async () => {
  const other = await startReceiver();
  for (const status of [301, 302, 303, 307, 308]) {
    receiver.behave((_, response) => void response.writeHead(status, { location: other.url }).end());
    assert.deepEqual(await send(receiver.url), {
      status,
      error: `it answered ${status}; redirects are not followed`,
    });
  }
  assert.equal(other.tries.length, 0);
  await other.close();
});

test('one that hangs, or sends its answer byte by byte, is given up when the time is over', async () => {
  receiver.behave(() => {});
  assert.deepEqual(await send(receiver.url, { timeout: 300 }), { status: null, error: 'no answer within 0.3 s' });
  const drip = createServer((socket) => {
    socket.on('error', () => {});
    const timer = setInterval(() => socket.write('H'), 20);
    socket.on('close', () => clearInterval(timer));
  }).listen(0, '127.0.0.1');
  await once(drip, 'listening');
  const { port } = drip.address() as AddressInfo;
  const { status, error } = await send(`http://127.0.0.1:${port}/`, { timeout: 300 });
  assert.equal(status, null);
  assert.notEqual(error, null);
  drip.close();
});

test('one that changes the protocol, or ends the connection, is a failure', async () => {
  for (const [answer, wanted] of [
    [
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n',
      { status: 101, error: 'it answered 101' },
    ],
    ['', { status: null, error: 'socket hang up' }],
  ] as const) {
    const other = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(answer));
    }).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    assert.deepEqual(await send(`http://127.0.0.1:${port}/`), wanted);
    other.close();
  }
});

test('of a huge answer no more is read than what is bounded', async () => {
  let written = 0;
  let gone = Promise.withResolvers<void>();
  receiver.behave((_, response) => {
    response.writeHead(200);
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536))) written += 65_536;
    };
    response.on('drain', more).on('close', () => gone.resolve());
    more();
  });
  assert.deepEqual(await send(receiver.url), { status: 200, error: null });
  await gone.promise;
  assert.ok(written < 50_000_000, `${written} bytes were taken`);
  gone = Promise.withResolvers();
});

test('one that sends interim answers without end, or its answer in crumbs, is read no further either', async () => {
  const endless = async (begin: string, crumbs: string) => {
    let written = 0;
    const gone = Promise.withResolvers<void>();
    const other = createServer((socket) => {
      const more = () => {
        while (!socket.destroyed && socket.write(crumbs)) written += crumbs.length;
      };
      socket.on('error', () => {}).on('close', () => gone.resolve());
      socket.on('drain', more);
      socket.once('data', () => {
        socket.write(begin);
        more();
      });
    }).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const outcome = await send(`http://127.0.0.1:${port}/`);
    await gone.promise;
    other.close();
    assert.ok(written < 50_000_000, `${written} bytes were taken`);
    return outcome;
  };
  for (const status of ['100 Continue', '102 Processing', '103 Early Hints']) {
    assert.deepEqual(await endless('', `HTTP/1.1 ${status}\r\n\r\n`.repeat(2_000)), {
      status: null,
      error: 'it sends interim answers and no answer',
    });
  }
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
  assert.deepEqual(await endless(chunked, '1\r\nx\r\n'.repeat(10_000)), { status: 200, error: null });
});

test('one that closes, or is not there, or speaks nonsense, is a failure', async () => {
  receiver.behave((request) => void request.socket.destroy());
  const closed = await send(receiver.url);
  assert.ok(closed.status === null && closed.error !== null);
  const gone = await startReceiver();
  await gone.close();
  assert.match((await send(gone.url)).error!, /ECONNREFUSED/);
  const nonsense = createServer((socket) => void socket.end('SSH-2.0-x\r\n\r\n')).listen(0, '127.0.0.1');
  await once(nonsense, 'listening');
  const { port } = nonsense.address() as AddressInfo;
  assert.notEqual((await send(`http://127.0.0.1:${port}/`)).error, null);
  nonsense.close();
});

test('a certificate that nobody vouches for is a failure, whatever the environment says', async () => {
  const factory = openFactory();
  const { key, cert } = factory.selfSigned('localhost');
  let asked = 0;
  const server = createTlsServer({ key, cert }, (_, response) => {
    asked += 1;
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  const { status, error } = await send(`https://127.0.0.1:${port}/`);
  delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  assert.equal(status, null);
  assert.match(error!, /certificate|self-signed/);
  assert.equal(asked, 0);
  server.close();
  server.closeAllConnections();
  factory.remove();
});

test('an address that is not public is not connected to, written as an address or behind a name', async () => {
  receiver.behave(null);
  const before = receiver.tries.length;
  const { port } = new URL(receiver.url);
  const names = await startNameServer(() => ['127.0.0.1']);
  const nameServers = [names.address];
  for (const host of ['127.0.0.1', 'localhost', 'a.localhost', '2130706433', '[::ffff:127.0.0.1]', 'inward.example']) {
    const { status, error } = await send(`http://${host}:${port}/`, { allowed: [], nameServers });
    assert.equal(status, null, host);
    assert.match(error!, /expected a public address/, host);
  }
  assert.equal(receiver.tries.length, before);
  assert.deepEqual(await send(`http://inward.example:${port}/`, { nameServers }), { status: 204, error: null });
  names.close();
});

test('a name is asked once for a connection: what it says a second time leads nowhere', async () => {
  receiver.behave(null);
  const before = receiver.tries.length;
  const { port } = new URL(receiver.url);
  // Allowed at the first question, and another one, which is not, from then on.
  const names = await startNameServer((_, n) => [n === 1 ? '127.0.0.1' : '127.9.9.9']);
  const options = { allowed: ['127.0.0.1/32'], nameServers: [names.address] };
  assert.deepEqual(await send(`http://rebound.example:${port}/`, options), { status: 204, error: null });
  assert.equal(names.asked(), 1);
  const { error } = await send(`http://rebound.example:${port}/`, options);
  assert.match(error!, /has the address 127\.9\.9\.9/);
  assert.equal(receiver.tries.length, before + 1);
  names.close();
});

test('of several addresses of a name only those are tried that may be reached', async () => {
  receiver.behave(null);
  const { port } = new URL(receiver.url);
  const names = await startNameServer(() => ['127.9.9.9', '10.0.0.1', '127.0.0.1']);
  const options = { allowed: ['127.0.0.1'], nameServers: [names.address] };
  assert.deepEqual(await send(`http://several.example:${port}/`, options), { status: 204, error: null });
  names.close();
});

test('a name that does not exist, or whose server is silent, is a failure in time', async () => {
  const none = await startNameServer(() => []);
  const { error } = await send('http://nothing.example/', { nameServers: [none.address] });
  assert.equal(error, 'DNS knows no address of nothing.example');
  none.close();
  const silent = await startNameServer(() => null);
  const late = await send('http://silent.example/', { nameServers: [silent.address], timeout: 300 });
  assert.deepEqual(late, { status: null, error: 'no answer within 0.3 s' });
  silent.close();
});

test('it can be ended from outside', async () => {
  receiver.behave(() => {});
  const end = new AbortController();
  const sent = send(receiver.url, { signal: end.signal });
  end.abort();
  assert.equal((await sent).status, null);
});
