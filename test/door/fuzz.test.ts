/** Bytes that nobody thought of: the door answers them with a 4xx or cuts, and goes on serving. fast-check prints the seed. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { newConnector, resource } from '../helpers/connector.ts';
import { openTcp, openTls } from '../helpers/raw.ts';
import { startServer } from '../helpers/server.ts';

const server = await startServer();
after(() => server.stop());
const connector = await newConnector(server, { resources: { a: resource() } });
const token = await connector.provision('d1');

/** The statuses of all answers on one connection that sends `pieces`, closes its side, and waits for the close. */
async function statuses(pieces: readonly Uint8Array[], tls = false): Promise<number[]> {
  const connection = tls ? await openTls(server, connector.fqdn) : await openTcp(server);
  for (const piece of pieces) await connection.send(piece);
  connection.end();
  const rest = (await connection.closed()).toString('latin1');
  return [...rest.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
}

/** Whatever came before, a well-made request is served, and what it wrote is what is read. */
async function assertServing(): Promise<void> {
  assert.equal(await connector.write('a=alive', { token }), 204);
  assert.equal((await connector.send('/api:v1/stack/alias?a', { token })).body, 'a=alive');
}

test('random bytes get a 4xx or nothing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 3 }), async (pieces) => {
      for (const status of await statuses(pieces)) assert.ok(status >= 400 && status < 500, `${status}`);
    }),
    { numRuns: 200 },
  );
  await assertServing();
});

test('random bytes inside TLS get a 4xx or nothing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      for (const status of await statuses([bytes], true)) assert.ok(status >= 400 && status < 500, `${status}`);
    }),
    { numRuns: 30 },
  );
  await assertServing();
});

const requests = [
  `POST /api:v1/stack/alias HTTP/1.1\r\nHost: ${connector.fqdn}\r\nAuthorization: Token ${token}\r\nContent-Length: 11\r\n\r\na=fuzz&b=%4`,
  `POST /api:v1/stack/record HTTP/1.1\r\nHost: ${connector.fqdn}\r\nX-Exosite-CIK: ${token}\r\nTransfer-Encoding: chunked\r\n\r\n14\r\nalias=a&1700000000=1\r\n0\r\n\r\n`,
  `POST /provision/activate HTTP/1.1\r\nHost: ${connector.fqdn}\r\nContent-Length: 11\r\n\r\nid=%C3%A4%2`,
  `GET /api:v1/stack/alias?a&b HTTP/1.1\r\nHost: ${connector.fqdn}\r\nAuthorization: Basic ZDE6eA==\r\nIf-Modified-Since: 0\r\nRequest-Timeout: 1\r\n\r\n`,
].map((text) => Buffer.from(text, 'latin1'));

test('a request with some bytes changed, cut out or put in is served or refused, never a 5xx', async () => {
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    cut: fc.integer({ min: 0, max: 4 }),
    put: fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      fc
        .constantFrom('\r\n', '\n', '\0', ' ', ':', '%', '&', '=', '=&', '\r\n\r\n', '9'.repeat(30))
        .map((text) => Buffer.from(text)),
    ),
  });
  const mutated = fc.tuple(fc.constantFrom(...requests), fc.array(edit, { minLength: 1, maxLength: 3 }));
  await fc.assert(
    fc.asyncProperty(mutated, async ([request, edits]) => {
      for (const status of await statuses([apply(request, edits)])) assert.ok(status < 500, `${status}`);
    }),
    { numRuns: 300 },
  );
  await assertServing();
});

interface Edit {
  readonly at: number;
  readonly cut: number;
  readonly put: Uint8Array;
}

function apply(request: Buffer, edits: readonly Edit[]): Buffer {
  return edits.reduce((bytes, { at, cut, put }) => {
    const start = Math.floor(at * bytes.length);
    return Buffer.concat([bytes.subarray(0, start), put, bytes.subarray(start + cut)]);
  }, request);
}

test('random forms, identities and queries are a 2xx or a 4xx', async () => {
  const text = fc.string({ unit: 'binary', maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(text, text, fc.boolean(), async (alias, value, encoded) => {
      const form = encoded ? `${encodeURIComponent(alias)}=${encodeURIComponent(value)}` : `${alias}=${value}`;
      const query = encodeURIComponent(alias);
      for (const answer of [
        await connector.send('/api:v1/stack/alias', { token, body: form, plain: true }),
        await connector.send(`/api:v1/stack/alias?${query}`, { token, plain: true }),
        await connector.send('/api:v1/stack/record', { token, body: `alias=${form}`, plain: true }),
        await connector.send('/provision/activate', { body: `id=${form}`, plain: true }),
      ]) {
        assert.ok(answer.status < 500, `${answer.status} ${answer.body}`);
      }
    }),
    { numRuns: 100 },
  );
  await assertServing();
});
