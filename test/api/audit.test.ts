/** The audit log: every change has its entry, with what changed and without secrets; failed sign-ins are bounded; export. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { routes } from '../../src/api/routes.ts';
import { type AuditEntry, followChain, rowOf } from '../../src/domain/audit.ts';
import { newJob } from '../../src/domain/bulk.ts';
import { codeAt, fromBase32, stepAt } from '../../src/domain/totp.ts';
import {
  auditDuring,
  auditLog,
  openSession,
  PASSWORD,
  putKey,
  putUser,
  startApi,
  type TestApi,
  type TestConnector,
  withJobs,
} from './harness.ts';

let api: TestApi;
let connector: TestConnector;
let late = 0;
const now = () => Date.now() * 1000 + late;
before(async () => {
  api = await startApi({ clock: now });
  connector = await api.connector({
    provisioning: { generate_identity: true },
    resources: { led: { settable: true } },
  });
});
after(() => api.close());

const newest = (search?: string) => auditLog(api, search);
const during = (work: () => Promise<unknown>) => auditDuring(api, work);

/** Route → how it is called so that it changes something, or that it never does. */
const person = async (email: string) => putUser(api.store, email, { role: 'viewer' });
const sessionOf = async (email: string) => openSession(api.store, await person(email), now());
const device = () => `${connector.base}/identity/d1`;
const asNobody = { as: 'nobody' as const };
const own = { 'sec-fetch-site': 'same-origin' };
const put = (path: string, body: object = {}) => api.call('PUT', path, body);

const webhooks = () => `/api:1/connectors/${connector.id}/webhooks`;
const newWebhook = async () => {
  const { body } = await api.call('POST', webhooks(), { url: 'https://example.com/hook', types: ['locked'] });
  return `${webhooks()}/${body.id}`;
};
const lockByJob = async (...identities: string[]) => {
  for (const identity of identities) await put(`${connector.base}/identity/${identity}`);
  return api.call('POST', `${connector.base}/identities/update`, { action: 'lock', identities });
};
const openJob = (id: string) =>
  newJob({
    ...{ id, connector: connector.id, who: 'somebody@localhost', created: now(), action: { type: 'lock' }, total: 0 },
    origin: { ip: '192.0.2.1', protocol: null, connectionId: null },
  });
const file = (id: string) => `${connector.base}/content/${id}`;
const store = (id: string, bytes = 'bytes') =>
  api.call('PUT', file(id), bytes, { headers: { 'content-type': 'text/plain' } });
const newFile = async (id: string) => {
  assert.equal((await store(id)).status, 201);
  return file(id);
};
const newRollout = async (id: string) => {
  assert.equal((await put(`${await newFile(id)}/rollout`)).status, 200);
  return file(id);
};

const changes: Readonly<Record<string, (() => Promise<{ status: number; text: string }>) | 'changes nothing'>> = {
  signIn: () => api.call('POST', '/api:1/token', { email: 'admin@localhost', password: PASSWORD }, asNobody),
  signOut: async () => api.call('DELETE', '/api:1/token', undefined, { token: await sessionOf('out@localhost') }),
  openCookieSession: () =>
    api.call('POST', '/api:1/session', { email: 'admin@localhost', password: PASSWORD }, { ...asNobody, headers: own }),
  closeCookieSession: async () => {
    const cookie = `slipway_session_${new URL(api.url).port}=${await sessionOf('out-2@localhost')}`;
    return api.call('DELETE', '/api:1/session', undefined, { ...asNobody, headers: { ...own, cookie } });
  },
  proveSession: () => api.call('POST', '/api:1/session/proof', { password: PASSWORD }),
  setPasswordByLink: async () => {
    const { body } = await api.call('POST', '/api:1/users', { email: 'linked@localhost', role: 'viewer' });
    return api.call('POST', '/api:1/password', { link: body.link.split('#')[1], password: PASSWORD }, asNobody);
  },
  changeOwnAccount: async () => {
    const password = { current: PASSWORD, new: 'another-password' };
    return api.call('PATCH', '/api:1/users/me', { password }, { token: await sessionOf('own@localhost') });
  },
  endOwnSession: async () => {
    const token = await sessionOf('ending@localhost');
    const { body } = await api.call('GET', '/api:1/users/me/sessions', undefined, { token });
    return api.call('DELETE', `/api:1/users/me/sessions/${body.sessions[0].id}`, undefined, { token });
  },
  beginFactor: 'changes nothing',
  confirmFactor: async () => {
    const token = await sessionOf('factor@localhost');
    const { body } = await api.call('POST', '/api:1/users/me/second-factor', undefined, { token });
    const code = codeAt(fromBase32(body.secret), stepAt(now()));
    return api.call('PUT', '/api:1/users/me/second-factor', { enrolment: body.enrolment, code }, { token });
  },
  removeFactor: async () => {
    const factor = { sealed: 'x', step: 1, recovery: [] };
    const token = await openSession(api.store, await putUser(api.store, 'no-factor@localhost', { factor }), now());
    return api.call('DELETE', '/api:1/users/me/second-factor', undefined, { token });
  },
  createUser: () => api.call('POST', '/api:1/users', { email: 'made@localhost', role: 'viewer', password: PASSWORD }),
  changeUser: async () =>
    api.call('PATCH', `/api:1/users/${(await person('changed@localhost')).id}`, { role: 'operator' }),
  deleteUser: async () => api.call('DELETE', `/api:1/users/${(await person('deleted@localhost')).id}`),
  makeLink: async () => api.call('POST', `/api:1/users/${(await person('link@localhost')).id}/link`),
  removeFactorOf: async () => {
    const factor = { sealed: 'x', step: 1, recovery: [] };
    const { id } = await putUser(api.store, 'lost@localhost', { factor });
    return api.call('DELETE', `/api:1/users/${id}/second-factor`);
  },
  endSessionsOf: async () => api.call('DELETE', `/api:1/users/${(await person('ended@localhost')).id}/sessions`),
  endSessionOf: async () => {
    const user = await person('ended-one@localhost');
    await openSession(api.store, user, now());
    const { body } = await api.call('GET', `/api:1/users/${user.id}/sessions`);
    return api.call('DELETE', `/api:1/users/${user.id}/sessions/${body.sessions[0].id}`);
  },
  createKey: () => api.call('POST', '/api:1/keys', { name: 'audited', role: 'viewer' }),
  deleteKey: async () => {
    await putKey(api.store, { id: 'to-delete' });
    return api.call('DELETE', '/api:1/keys/to-delete');
  },
  createConnector: () => api.call('POST', '/api:1/connectors', { name: 'Made' }),
  changeConnector: () => api.call('PATCH', `/api:1/connectors/${connector.id}`, { description: 'changed' }),
  deleteConnector: async () => {
    const { id, name } = await api.connector();
    return api.call('DELETE', `/api:1/connectors/${id}?confirm=${encodeURIComponent(name)}`);
  },
  patchSettings: () => api.call('PATCH', connector.base, { provisioning: { expire_hours: 7 } }),
  createWebhook: () => api.call('POST', webhooks(), { url: 'https://example.com/hook' }),
  changeWebhook: async () => api.call('PATCH', await newWebhook(), { enabled: false }),
  replayWebhook: async () => api.call('POST', `${await newWebhook()}/replay`, { after: 0 }),
  deleteWebhook: async () => api.call('DELETE', await newWebhook()),
  decodeCertificate: 'changes nothing',
  decodeCrl: 'changes nothing',
  generateDevice: () => api.call('POST', `${connector.base}/identity`, {}),
  importIdentities: () =>
    api.call('POST', `${connector.base}/identities`, 'ID\ni1\ni2\ni3\n', { headers: { 'content-type': 'text/csv' } }),
  whitelistDevice: () => put(device(), { tags: { line: ['7'] } }),
  changeDevice: () => api.call('PATCH', device(), { locked: true }),
  patchState: () => api.call('PATCH', `${device()}/state`, { led: 'on' }),
  putTags: () => put(`${device()}/tags`, { a: ['1'] }),
  putTag: () => put(`${device()}/tags/b`, { values: ['2'] }),
  deleteTag: () => api.call('DELETE', `${device()}/tags/b`),
  deleteDevice: () => api.call('DELETE', device()),
  updateDevices: () => withJobs(api, () => lockByJob('j1', 'j2')),
  cancelJob: async () => {
    await api.store.createJob(openJob('to-cancel'), { identities: [] }, 20);
    return api.call('DELETE', `${connector.base}/jobs/to-cancel`);
  },
  undoJob: () =>
    withJobs(api, async () => {
      const { body } = await lockByJob('j3', 'j4', 'j5');
      return api.call('POST', `${connector.base}/jobs/${body.id}/undo`);
    }),
  putContent: () => store('stored'),
  postContent: () => {
    const form = new FormData();
    form.set('file', new Blob(['bytes']), 'posted');
    return api.call('POST', `${connector.base}/content`, form);
  },
  changeContent: async () => api.call('PATCH', await newFile('changed'), { offer: 'none' }),
  deleteContent: async () => api.call('DELETE', await newFile('deleted')),
  startRollout: async () => put(`${await newFile('rolled')}/rollout`),
  actOnRollout: async () => api.call('PATCH', `${await newRollout('acted')}/rollout`, { action: 'hold' }),
  stopRollout: async () => api.call('DELETE', `${await newRollout('stopped')}/rollout`),
  undoBatch: async () => {
    const { body } = await api.call('GET', `${connector.base}/batches`);
    return api.call('DELETE', `${connector.base}/batches/${body.batches[0].id}`);
  },
};
/** Where the entry is called otherwise than the route. */
const named: Readonly<Record<string, string>> = {
  openCookieSession: 'signIn',
  closeCookieSession: 'closeCookieSession',
  actOnRollout: 'holdRollout',
};

test('every route that may change something is tried here', () => {
  const changing = routes.filter(({ method }) => method !== 'GET').map(({ id }) => id);
  assert.deepEqual(Object.keys(changes).sort(), changing.sort());
});

for (const [id, change] of Object.entries(changes)) {
  if (change === 'changes nothing') continue;
  test(`${id} is in the audit log: who, when, from where, what`, async () => {
    const began = now();
    const added = await during(async () => {
      const answer = await change();
      assert.ok(answer.status < 300, answer.text);
    });
    const entries = added.filter(({ action }) => action === (named[id] ?? id));
    assert.equal(entries.length, 1, JSON.stringify(added));
    const [entry] = entries as [AuditEntry];
    assert.match(entry.who, /^[a-z0-9-]+@localhost$/);
    assert.equal(entry.from, '127.0.0.1');
    assert.ok(entry.timestamp >= began && entry.timestamp <= now());
    assert.match(entry.target, /^(users|keys|connectors)\/./);
  });
}

test('an entry tells what changed, before and after, and nothing of what did not', async () => {
  await put(`${connector.base}/identity/told`, { tags: { line: ['7'] } });
  const [locked] = await during(() => api.call('PATCH', `${connector.base}/identity/told`, { locked: true }));
  assert.deepEqual([locked!.before, locked!.after], [{ locked: false }, { locked: true }]);
  assert.equal(locked!.target, `connectors/${connector.id}/devices/told`);
  assert.deepEqual(await during(() => api.call('PATCH', `${connector.base}/identity/told`, { locked: true })), []);
  const [settings] = await during(() => api.call('PATCH', connector.base, { provisioning: { enabled: false } }));
  assert.deepEqual(settings!.before, { provisioning: { enabled: true } });
  assert.deepEqual(settings!.after, { provisioning: { enabled: false } });
  const [value] = await during(() => api.call('PATCH', `${connector.base}/identity/told/state`, { led: 'off' }));
  assert.deepEqual([value!.before, value!.after], [{ led: null }, { led: 'off' }]);
  const user = await putUser(api.store, 'role@localhost', { role: 'viewer' });
  const [role] = await during(() => api.call('PATCH', `/api:1/users/${user.id}`, { role: 'operator', connectors: [] }));
  assert.deepEqual(role!.before, { role: 'viewer', connectors: null });
  assert.deepEqual(role!.after, { role: 'operator', connectors: [] });
});

test('what was refused has no entry', async () => {
  const added = await during(async () => {
    await put(`${connector.base}/identity/told`, {});
    await api.call('PATCH', connector.base, { provisioning: { auth_type: 'none' } });
    await api.call('DELETE', `/api:1/users/nobody`);
    await api.call('PATCH', `${connector.base}/identity/told`, { locked: false }, { as: 'viewer' });
    await api.call('DELETE', `/api:1/connectors/${connector.id}?confirm=wrong`);
  });
  assert.deepEqual(added, []);
});

test('a key is named as who did it', async () => {
  const token = await putKey(api.store, { name: 'line 7', connector: connector.id });
  const [entry] = await during(() => api.call('PUT', `${connector.base}/identity/by-key`, {}, { token }));
  assert.deepEqual([entry!.who, entry!.action], ['key:line 7', 'whitelistDevice']);
});

test('no secret is in it', async () => {
  const secrets = ['a-password-that-is-secret', 'f'.repeat(40), 'another-secret-password'];
  await api.call('POST', '/api:1/users', { email: 'secret@localhost', role: 'viewer', password: secrets[0] });
  await put(`${connector.base}/identity/token`, { auth: { type: 'token', key: secrets[1] } });
  await put(`${connector.base}/identity/password`, { auth: { type: 'password', key: secrets[2] } });
  const { body: key } = await api.call('POST', '/api:1/keys', { name: 'secret', role: 'viewer' });
  const { body: user } = await api.call('POST', '/api:1/users', { email: 'secret-2@localhost', role: 'viewer' });
  await api.call('POST', '/api:1/token', { email: 'my-password-typed-here', password: 'x' }, asNobody);
  const text = JSON.stringify(await newest());
  for (const secret of [...secrets, key.key, user.link.split('#')[1], 'argon2', 'my-password-typed-here']) {
    assert.ok(!text.includes(secret), secret);
  }
});

test('failed sign-ins are in it, under the email if there is such an account; of very many only some, with their number', async () => {
  late += 3_600_000_000;
  const [failed] = await during(() =>
    api.call('POST', '/api:1/token', { email: 'viewer@localhost', password: 'wrong' }, asNobody),
  );
  assert.deepEqual(
    [failed!.who, failed!.action, failed!.target, failed!.after],
    ['nobody', 'signInFailed', 'users/viewer@localhost', { why: 'LOGIN_FAILED' }],
  );
});

test('it is read page by page and searched', async () => {
  const all = await newest();
  const seqs: number[] = [];
  for (let before = ''; ; ) {
    const { body } = await api.call('GET', `/api:1/audit?limit=7${before}`);
    seqs.push(...body.entries.map(({ seq }: AuditEntry) => seq));
    if (body.next === null) break;
    before = `&before=${body.next}`;
  }
  assert.deepEqual(
    seqs,
    all.map(({ seq }) => seq),
  );
  const found = await newest('DEVICES/by-key');
  assert.deepEqual(
    found.map(({ action }) => action),
    ['whitelistDevice'],
  );
  assert.deepEqual(await newest('"quotes" and \\'), []);
});

test('the export has every entry, oldest first, and its chain holds', async () => {
  const { status, text, headers } = await api.call('GET', '/api:1/audit/export');
  assert.equal(status, 200);
  assert.match(headers.get('content-type')!, /^application\/x-ndjson/);
  const entries = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditEntry);
  const chain = followChain();
  for (const entry of entries) assert.equal(chain.check(rowOf(entry)), null);
  assert.deepEqual(entries.toReversed(), await newest());
  const rest = await api.call('GET', `/api:1/audit/export?after=${entries.length - 1}`);
  assert.equal(rest.text.trim(), JSON.stringify(entries.at(-1)));
});
