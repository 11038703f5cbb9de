/**
 * Who may call what: every row of the route table is tried as nobody, as each role, by keys, by those who see another
 * connector alone, and without a fresh proof. What is expected stands here once more, by hand: a route without a row fails.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Role, Route } from '../../src/api/context.ts';
import { routes } from '../../src/api/routes.ts';
import { openSession, putKey, putUser, startApi, type TestApi, type TestConnector } from './harness.ts';

/** `all`: only for those who see all connectors; `person`: not by keys; `proof`: with the password shown just now. */
const expected: Readonly<Record<string, string>> = {
  healthz: 'anyone',
  readyz: 'anyone',
  metrics: 'anyone',
  signIn: 'anyone',
  signOut: 'viewer person',
  readCookieSession: 'anyone',
  openCookieSession: 'anyone',
  closeCookieSession: 'anyone',
  proveSession: 'viewer person',
  setPasswordByLink: 'anyone',
  listSignInWays: 'anyone',
  startProvider: 'anyone',
  finishProvider: 'anyone',
  whoAmI: 'viewer',
  changeOwnAccount: 'viewer person',
  listOwnSessions: 'viewer person',
  endOwnSession: 'viewer person',
  beginFactor: 'viewer person proof',
  confirmFactor: 'viewer person proof',
  removeFactor: 'viewer person proof',
  getServer: 'viewer',
  listUsers: 'admin all',
  createUser: 'admin all person proof',
  changeUser: 'admin all person proof',
  deleteUser: 'admin all person proof',
  makeLink: 'admin all person proof',
  removeFactorOf: 'admin all person proof',
  listSessionsOf: 'admin all',
  endSessionsOf: 'admin all person',
  endSessionOf: 'admin all person',
  listKeys: 'admin all',
  createKey: 'admin all person proof',
  deleteKey: 'admin all person proof',
  listAudit: 'admin all',
  exportAudit: 'admin all',
  listConnectors: 'viewer',
  createConnector: 'admin all',
  getConnector: 'viewer',
  changeConnector: 'admin',
  deleteConnector: 'admin all',
  getStanding: 'viewer',
  listWebhooks: 'admin',
  createWebhook: 'admin',
  changeWebhook: 'admin',
  deleteWebhook: 'admin',
  listDeliveries: 'admin',
  replayWebhook: 'admin',
  getSettings: 'viewer',
  patchSettings: 'admin',
  decodeCertificate: 'viewer',
  decodeCrl: 'viewer',
  listDevices: 'viewer',
  generateDevice: 'operator',
  countDevices: 'viewer',
  importIdentities: 'operator',
  updateDevices: 'operator',
  listJobs: 'viewer',
  getJob: 'viewer',
  cancelJob: 'operator',
  undoJob: 'operator',
  whitelistDevice: 'operator',
  getDevice: 'viewer',
  changeDevice: 'operator',
  deleteDevice: 'operator',
  getState: 'viewer',
  patchState: 'operator',
  getHistory: 'viewer',
  explain: 'viewer',
  getTags: 'viewer',
  putTags: 'operator',
  getTag: 'viewer',
  putTag: 'operator',
  deleteTag: 'operator',
  listTagNames: 'viewer',
  countTagValues: 'viewer',
  listBatches: 'viewer',
  getBatch: 'viewer',
  undoBatch: 'operator',
  getFigures: 'viewer',
  listContent: 'viewer',
  postContent: 'operator',
  putContent: 'operator',
  downloadContent: 'viewer',
  changeContent: 'operator',
  deleteContent: 'operator',
  describeContent: 'viewer',
  listFetches: 'viewer',
  startRollout: 'operator',
  actOnRollout: 'operator',
  stopRollout: 'operator',
  listEvents: 'viewer',
  streamEvents: 'viewer',
  exportEvents: 'viewer',
};

const ranked: readonly Role[] = ['viewer', 'operator', 'admin'];
const now = () => Date.now() * 1000;

let api: TestApi;
let [mine, other]: TestConnector[] = [];
before(async () => {
  api = await startApi();
  mine = await api.connector();
  other = await api.connector();
  for (const { base } of [mine, other])
    await api.call('PUT', `${base}/identity/d1`, { tags: { secret: ['of-theirs'] } });
});
after(() => api.close());

const pathOf = (route: Route, connector: string) =>
  route.path.replace('{connector}', connector).replace(/\{\w+\}/g, 'unknown');
const bodyOf = (route: Route) => (route.method === 'GET' || route.method === 'DELETE' ? undefined : {});

interface Tried {
  readonly status: number;
  readonly code: string | undefined;
  readonly text: string;
}

/** A stream that opens is an answer of its own. */
async function attempt(route: Route, token: string | undefined, connector = mine!.id): Promise<Tried> {
  if (route.kind !== 'stream') {
    const options = token === undefined ? { as: 'nobody' as const } : { token };
    const { status, body, text } = await api.call(route.method, pathOf(route, connector), bodyOf(route), options);
    return { status, code: body?.code, text };
  }
  const closing = new AbortController();
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `token ${token}` };
  const response = await fetch(api.url + pathOf(route, connector), { headers, signal: closing.signal });
  const text = response.ok ? '' : await response.text();
  closing.abort();
  return { status: response.status, code: text === '' ? undefined : JSON.parse(text).code, text };
}

const refusals = ['SESSION_INVALID', 'ROLE_FORBIDDEN', 'SCOPE_FORBIDDEN', 'KEY_FORBIDDEN', 'PROOF_NEEDED'];
/** Past the door: whatever the call then says of its parameters. */
const assertAdmitted = ({ code, text }: Tried) =>
  assert.ok(!refusals.includes(code ?? '') && code !== 'CONNECTOR_UNKNOWN', text);
const assertRefused = ({ code, text }: Tried, wanted: string) => assert.equal(code, wanted, text);

let made = 0;
/** A session of a new account. */
async function person(role: Role, change: { connectors?: readonly string[] } = {}, proven = now()): Promise<string> {
  const user = await putUser(api.store, `person-${++made}@localhost`, { role, ...change });
  return openSession(api.store, user, now(), proven);
}

test('every route has its row here, and every row its route', () => {
  assert.deepEqual(Object.keys(expected).sort(), routes.map(({ id }) => id).sort());
});

for (const route of routes) {
  const [least, ...demands] = (expected[route.id] ?? 'nobody').split(' ') as [Role | 'anyone', ...string[]];
  const named = route.path.includes('{connector}');

  describe(`${route.method} ${route.path}: ${expected[route.id]}`, () => {
    if (least === 'anyone') {
      test('is for anyone', async () => assertAdmitted(await attempt(route, undefined)));
      return;
    }

    test('is refused to nobody, to tokens and keys that nobody has, and to those that have ended', async () => {
      const ended = await putUser(api.store, `ended-${++made}@localhost`);
      const tokens = [
        undefined,
        'x'.repeat(43),
        `slipway_${'x'.repeat(43)}`,
        await openSession(api.store, ended, now() - 13 * 3_600_000_000),
        await putKey(api.store, { expires: now() - 1 }),
      ];
      for (const token of tokens) assertRefused(await attempt(route, token), 'SESSION_INVALID');
    });

    test('is for its role and those above', async () => {
      for (const role of ranked) {
        const tried = await attempt(route, await person(role));
        if (ranked.indexOf(role) < ranked.indexOf(least)) assertRefused(tried, 'ROLE_FORBIDDEN');
        else assertAdmitted(tried);
      }
    });

    test(demands.includes('person') ? 'is not for keys' : 'is for keys of the role and those above', async () => {
      for (const role of ranked) {
        const tried = await attempt(route, await putKey(api.store, { role }));
        if (ranked.indexOf(role) < ranked.indexOf(least)) assertRefused(tried, 'ROLE_FORBIDDEN');
        else if (demands.includes('person')) assertRefused(tried, 'KEY_FORBIDDEN');
        else assertAdmitted(tried);
      }
    });

    test(
      demands.includes('all') ? 'is for those who see all connectors' : 'is for those who see the connector',
      async () => {
        const limited = [
          await person(least, { connectors: [mine!.id] }),
          ...(demands.includes('person') ? [] : [await putKey(api.store, { role: least, connector: mine!.id })]),
        ];
        for (const token of limited) {
          const tried = await attempt(route, token);
          if (demands.includes('all')) assertRefused(tried, 'SCOPE_FORBIDDEN');
          else assertAdmitted(tried);
        }
      },
    );

    test(demands.includes('proof') ? 'needs a fresh proof' : 'needs no fresh proof', async () => {
      for (const proven of [0, now() - 900_000_001]) {
        const tried = await attempt(route, await person(least, {}, proven));
        if (demands.includes('proof')) assertRefused(tried, 'PROOF_NEEDED');
        else assertAdmitted(tried);
      }
    });

    if (!named || demands.includes('all')) return;
    test('says of a connector that the caller does not see the very same as of one that is not there', async () => {
      const limited = [
        await person('admin', { connectors: [mine!.id] }),
        await person('admin', { connectors: [] }),
        await putKey(api.store, { connector: mine!.id }),
      ];
      for (const token of limited) {
        const theirs = await attempt(route, token, other!.id);
        assertRefused(theirs, 'CONNECTOR_UNKNOWN');
        const none = await attempt(route, token, 'aaaaaaaaaaaaaaaa');
        assert.equal(theirs.text.replace(other!.id, ''), none.text.replace('aaaaaaaaaaaaaaaa', ''));
      }
    });
  });
}

test('nothing that a limited account or key can read tells of another connector', async () => {
  const tokens = [await person('admin', { connectors: [mine!.id] }), await putKey(api.store, { connector: mine!.id })];
  for (const token of tokens) {
    for (const route of routes.filter(({ method, kind }) => method === 'GET' && kind === undefined)) {
      const { text } = await attempt(route, token);
      for (const secret of [other!.id, other!.name]) assert.ok(!text.includes(secret), `${route.id}: ${text}`);
    }
    const { body } = await api.call('GET', '/api:1/connectors', undefined, { token });
    assert.deepEqual(
      body.map(({ id }: { id: string }) => id),
      [mine!.id],
    );
    const me = await api.call('GET', '/api:1/users/me', undefined, { token });
    assert.deepEqual([me.body.connectors, me.body.all_connectors], [[mine!.id], false]);
    const log = await api.call('GET', `${mine!.base}/events`, undefined, { token });
    assert.ok(log.body.events.length > 0);
  }
  const document = await api.call('GET', '/api/openapi.json', undefined, { as: 'nobody' });
  assert.ok(!document.text.includes(other!.id));
});
