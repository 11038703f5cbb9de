/** Who may call what: every row of the route table, as nobody, as a role that is too low, and as the right one. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Role, Route } from '../../src/api/context.ts';
import { routes } from '../../src/api/routes.ts';
import { startApi, type TestApi } from './harness.ts';

let api: TestApi;
before(async () => {
  api = await startApi();
});
after(() => api.close());

const ranked: readonly Role[] = ['viewer', 'operator', 'admin'];
/** A path with a connector that nobody has: a caller who is let in gets past the role check, to a 404 or 400. */
const pathOf = (route: Route) => route.path.replace(/\{\w+\}/g, 'unknown');
const bodyOf = (route: Route) => (route.method === 'GET' || route.method === 'DELETE' ? undefined : {});

for (const route of routes.filter(({ permission }) => permission !== 'public')) {
  const name = `${route.method} ${route.path}`;

  test(`${name} is refused to nobody, and to a token that nobody has`, async () => {
    for (const options of [{ as: 'nobody' as const }, { token: 'x'.repeat(43) }]) {
      const answer = await api.call(route.method, pathOf(route), bodyOf(route), options);
      assert.equal(answer.body.code, 'SESSION_INVALID', answer.text);
      assert.ok(answer.headers.has('www-authenticate'));
    }
  });

  if (route.id === 'signOut') continue;
  test(`${name} is for ${route.permission} and above`, async () => {
    for (const role of ranked) {
      const answer = await api.call(route.method, pathOf(route), bodyOf(route), { as: role });
      const allowed = ranked.indexOf(role) >= ranked.indexOf(route.permission as Role);
      if (allowed) assert.ok(answer.status !== 401 && answer.status !== 403, `${role}: ${answer.text}`);
      else assert.equal(answer.body.code, 'ROLE_FORBIDDEN', `${role}: ${answer.text}`);
    }
  });
}

for (const route of routes.filter(({ permission }) => permission === 'public')) {
  test(`${route.method} ${route.path} is for anyone`, async () => {
    const answer = await api.call(route.method, route.path, bodyOf(route), { as: 'nobody' });
    assert.ok(answer.status !== 401 && answer.status !== 403, answer.text);
  });
}
