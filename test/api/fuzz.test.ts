/** Whatever is sent to whichever route: a success or a refusal from the catalogue, never a 500, and the process lives. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { routes } from '../../src/api/routes.ts';
import { startApi, type TestApi, type TestConnector } from './harness.ts';

let api: TestApi;
let connector: TestConnector;
before(async () => {
  api = await startApi();
  connector = await api.connector({ provisioning: { generate_identity: true }, resources: { a: { settable: true } } });
  await api.call('PUT', `${connector.base}/identity/d1`, {});
});
after(async () => {
  assert.equal((await api.call('GET', '/healthz')).status, 200);
  await api.close();
});

/** Names that the schemas know, so that values get past the first check. */
const name = fc.constantFrom(
  ...['name', 'auth', 'key', 'type', 'expire', 'locked', 'reprovision', 'tags', 'values', 'resources', 'a', 'email'],
  ...['provisioning', 'identity_format', 'pki', 'client_ca', 'enabled', 'password', 'certificate', 'token_sha256'],
  ...['prefix', 'options', 'length', 'allowed', 'ip_whitelisting', 'settable', 'initial', 'a\nb', '', 'constructor'],
);
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, false, 0, -1, 1e308, 2 ** 60, 1_800_000_000_000_000, 'token', '', '10.0.0.0/8'),
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.double(),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(name, tie('any'), { maxKeys: 4 }),
  ),
})).any;
const body = fc.oneof(
  { weight: 4, arbitrary: fc.dictionary(name, value, { maxKeys: 5 }) },
  { weight: 1, arbitrary: value },
);

const pathOf = (path: string) =>
  path
    .replace('{connector}', connector.id)
    .replace('{identity}', 'd1')
    .replace(/\{\w+\}/g, 'a');

// `call` itself fails for an answer that is not in the catalogue or not in the document.
const expectRefusalOrSuccess = (status: number, text: string) => assert.ok(status < 500 || status === 503, text);

for (const route of routes.filter(({ schema, id }) => schema.body !== undefined && id !== 'signIn')) {
  test(`${route.method} ${route.path} takes any JSON body`, async () => {
    await fc.assert(
      fc.asyncProperty(body, async (sent) => {
        const { status, text } = await api.call(route.method, pathOf(route.path), sent ?? null);
        expectRefusalOrSuccess(status, text);
      }),
      { numRuns: 40 },
    );
  });
}

for (const route of routes.filter(({ schema, kind }) => schema.querystring !== undefined && kind === undefined)) {
  const known = Object.keys((route.schema.querystring as unknown as { properties: object }).properties);
  if (known.length === 0) continue;
  const query = fc.array(
    fc.tuple(
      fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...known) }, fc.string()),
      fc.oneof(
        fc.constantFrom('', '0', '-1', '1', '99999999999999999999', 'true', 'a:b', '*', '%', '1e9', 'null', 'locked'),
        fc.string({ unit: 'binary' }),
      ),
    ),
    { maxLength: 3 },
  );
  test(`${route.method} ${route.path} takes any query`, async () => {
    await fc.assert(
      fc.asyncProperty(query, async (pairs) => {
        const sent = route.schema.body === undefined ? undefined : {};
        const text = new URLSearchParams(pairs.map(([key, of]) => [key.toWellFormed(), of.toWellFormed()])).toString();
        const answer = await api.call(route.method, `${pathOf(route.path)}?${text}`, sent);
        expectRefusalOrSuccess(answer.status, `${text}: ${answer.text}`);
      }),
      { numRuns: 40 },
    );
  });
}

test('any identity in a path is read as it was written, or refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }), async (identity) => {
      fc.pre(!['.', '..'].includes(identity) && identity.isWellFormed());
      const path = `${connector.base}/identity/${encodeURIComponent(identity)}`;
      const { status, body: answer, text } = await api.call('PUT', `${path}?upsert=true`, {});
      if (status < 300) assert.equal(answer.identity, identity);
      else assert.equal(answer.code, 'IDENTITY_FORMAT', text);
    }),
    { numRuns: 150 },
  );
});

test('any bytes as a CSV file are imported or refused', async () => {
  const cell = fc.constantFrom('ID', 'Tags', 'a', '"', '""', ',', '\n', '\r\n', '\uFEFF', '[]', ' ', 'é', '\0');
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(cell, { maxLength: 20 }), async (header, cells) => {
      const csv = (header ? 'ID,Tags\n' : '') + cells.join('');
      const answer = await api.call('POST', `${connector.base}/identities?mode=skip`, csv, {
        headers: { 'content-type': 'text/csv' },
      });
      expectRefusalOrSuccess(answer.status, answer.text);
    }),
    { numRuns: 150 },
  );
});
