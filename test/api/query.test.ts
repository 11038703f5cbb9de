/** Query parameters that a route does not know are refused by name, on every route. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { TSchema } from 'typebox';
import { routes } from '../../src/api/routes.ts';
import { startApi, type TestApi, type TestConnector } from './harness.ts';

let api: TestApi;
let connector: TestConnector;
before(async () => {
  api = await startApi();
  connector = await api.connector();
});
after(() => api.close());

const pathOf = (path: string) => path.replace('{connector}', connector.id).replace(/\{\w+\}/g, 'a');
const namesIn = (schema: TSchema | undefined) => Object.keys((schema as { properties?: object })?.properties ?? {});

/** What the provider sends along with its answer is for it to say. */
const open = new Set(['finishProvider']);

for (const { id, method, path, schema, kind } of routes) {
  if (open.has(id)) continue;
  test(`${method} ${path} refuses a query parameter that it does not know, and names those that it does`, async () => {
    const headers = kind === 'upload' || kind === 'file' ? { 'content-type': 'text/csv' } : undefined;
    const body = method === 'GET' || method === 'DELETE' ? undefined : headers === undefined ? {} : 'ID\n';
    const { status, body: answer, text } = await api.call(method, `${pathOf(path)}?bogus=1`, body, { headers });
    assert.deepEqual([status, answer.code], [400, 'SCHEMA'], text);
    const known = namesIn(schema.querystring);
    const expected = known.length === 0 ? 'no query parameters' : `only ${known.join(', ')}`;
    assert.deepEqual(answer.details, [{ path: 'bogus', seen: 'a query parameter', expected }]);
    assert.ok(answer.message.includes('bogus: a query parameter') && answer.message.includes(expected), text);
  });
}
