/** The OpenAPI document: complete, well-formed, and nothing in it that points nowhere. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { routes } from '../../src/api/routes.ts';
import { startApi, type TestApi } from './harness.ts';

// biome-ignore lint/suspicious/noExplicitAny: the tests assert each field that they read
type Json = any;

let api: TestApi;
let document: Json;
before(async () => {
  api = await startApi();
  document = (await api.call('GET', '/api/openapi.json', undefined, { as: 'nobody' })).body;
});
after(() => api.close());

const operations = () =>
  Object.entries<Json>(document.paths).flatMap(([path, item]) =>
    Object.entries<Json>(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );

test('it is OpenAPI 3.1 with a title and the version of the program', () => {
  assert.equal(document.openapi, '3.1.0');
  assert.equal(document.info.title, 'Slipway management API');
  assert.equal(document.info.version, '1.2.3');
});

test('it has every row of the route table, and nothing else', () => {
  const documented = operations().map(({ method, path, operation }) => `${method} ${path} ${operation.operationId}`);
  assert.deepEqual(documented.sort(), routes.map(({ method, path, id }) => `${method} ${path} ${id}`).sort());
});

test('names of operations are unique', () => {
  const ids = operations().map(({ operation }) => operation.operationId);
  assert.equal(new Set(ids).size, ids.length);
});

test('every parameter of a path is declared as one, and required', () => {
  for (const { method, path, operation } of operations()) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const declared = (operation.parameters ?? []).filter((parameter: Json) => parameter.in === 'path');
    assert.deepEqual(declared.map((parameter: Json) => parameter.name).sort(), named.sort(), `${method} ${path}`);
    for (const parameter of declared) assert.equal(parameter.required, true);
  }
});

test('every operation tells what it answers, failures included, and who may call it', () => {
  for (const { method, path, operation } of operations()) {
    const name = `${method} ${path}`;
    const statuses = Object.keys(operation.responses);
    assert.ok(
      statuses.some((status) => /^[23]/.test(status)),
      name,
    );
    for (const status of statuses) assert.match(status, /^[1-5](\d\d|XX)$/, name);
    for (const status of ['4XX', '5XX']) {
      const { schema } = operation.responses[status].content['application/json'];
      assert.deepEqual(schema, { $ref: '#/components/schemas/Error' }, name);
    }
    for (const response of Object.values<Json>(operation.responses))
      assert.equal(typeof response.description, 'string');
    const isPublic = routes.find((route) => route.id === operation.operationId)?.permission === 'public';
    assert.equal(operation.security.length, isPublic ? 0 : 2, name);
    assert.ok(operation.summary && operation.tags.length === 1, name);
  }
});

test('every reference and security scheme is there', () => {
  const schemes = document.components.securitySchemes;
  for (const { operation } of operations()) {
    for (const name of operation.security.flatMap(Object.keys)) assert.ok(name in schemes, name);
  }
  walk(document, (node) => {
    if (typeof node.$ref !== 'string') return;
    const target = node.$ref
      .slice(2)
      .split('/')
      .reduce((at: Json, key: string) => at?.[key], document);
    assert.ok(target !== undefined, node.$ref);
  });
  for (const name of ['Identity', 'Settings', 'Event', 'Batch', 'Connector', 'Content', 'Error']) {
    assert.equal(document.components.schemas[name].type, 'object', name);
  }
});

test('a body is documented for each call that takes one', () => {
  for (const { method, path, operation } of operations()) {
    const route = routes.find(({ id }) => id === operation.operationId)!;
    const types = Object.keys(operation.requestBody?.content ?? {});
    const uploads: Record<string, string[]> = {
      importIdentities: ['multipart/form-data', 'text/csv'],
      postContent: ['multipart/form-data'],
      putContent: ['application/octet-stream'],
    };
    if (route.upload !== undefined) assert.deepEqual(types.sort(), uploads[route.id]);
    else assert.deepEqual(types, route.schema.body === undefined ? [] : ['application/json'], `${method} ${path}`);
  }
});

test('the pages are served from here alone', async () => {
  const page = await api.call('GET', '/api/docs/', undefined, { as: 'nobody' });
  assert.equal(page.status, 200);
  assert.doesNotMatch(page.text, /(?:src|href)="(?:https?:)?\/\//);
  const script = /<script src="([^"]+)"/.exec(page.text)![1]!;
  assert.equal((await fetch(new URL(script, `${api.url}/api/docs/`))).status, 200);
});

function walk(node: Json, visit: (node: Json) => void): void {
  if (typeof node !== 'object' || node === null) return;
  visit(node);
  for (const child of Object.values(node)) walk(child, visit);
}
