/** Handlers of API keys: list, make, delete. What a key may do follows from its role and connector, as for an account. */
import { randomBytes, randomUUID } from 'node:crypto';
import { AppError } from '../domain/errors.ts';
import { type ApiKey, KEY_PREFIX } from '../domain/people.ts';
import { digestOf } from './admit.ts';
import { handle } from './context.ts';
import { checkTime } from './device-input.ts';
import { empty } from './schema/common.ts';
import { keyList, keyParams, newKey, newKeyAnswer } from './schema/people.ts';
import { entry, targets } from './trail.ts';
import { expectConnectors } from './users.ts';
import { schemaError } from './validation.ts';

export const listKeys = handle({ response: { 200: keyList } }, async ({ deps }) => ({
  keys: (await deps.store.listKeys()).map(view),
}));

/** Answers the key, this once. KEY_KNOWN */
export const createKey = handle({ body: newKey, response: { 201: newKeyAnswer } }, async (call) => {
  const { deps, body, now, caller } = call;
  const { name, role, connector = null, expires = null } = body;
  checkTime(expires, 'expires');
  if (expires !== null && expires <= now) {
    throw schemaError([{ path: 'expires', seen: String(expires), expected: 'a time to come' }]);
  }
  await expectConnectors(deps.store, connector === null ? null : [connector]);
  const secret = KEY_PREFIX + randomBytes(32).toString('base64url');
  const id = randomUUID();
  const key: ApiKey = {
    ...{ id, name, role, connector, digest: digestOf(secret), created: now, creator: caller!.who, expires, used: null },
  };
  await deps.store.putKey(key, entry(call, targets.key(id), null, tell(key)));
  return { ...view(key), key: secret };
});

/** In effect with the next request; what it has open ends. KEY_UNKNOWN */
export const deleteKey = handle({ params: keyParams, response: { 204: empty } }, async (call) => {
  const { deps, params } = call;
  const known = (await deps.store.listKeys()).find(({ id }) => id === params.key);
  if (known === undefined) throw new AppError('KEY_UNKNOWN', { seen: params.key });
  if (!(await deps.store.deleteKey(known.id, entry(call, targets.key(known.id), tell(known), null)))) {
    throw new AppError('KEY_UNKNOWN', { seen: params.key });
  }
});

const tell = ({ name, role, connector, expires }: ApiKey) => ({ name, role, connector, expires });

const view = ({ digest: _, ...shown }: ApiKey) => shown;
