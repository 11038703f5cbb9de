/** Schemas of devices: the Identity shape, and what may be asked and changed (management-api.md, Device2). */
import { Type } from 'typebox';
import { closed, mapOf, ref, tags, textOrNull, time, timeOrNull } from './common.ts';

const status = Type.Enum(['whitelisted', 'provisioned', 'expired', 'locked', 'reprovision']);
const authType = Type.Enum(['token', 'password', 'certificate']);

/** State of one alias. Values are the text that was written. */
export const valueState = Type.Object({
  reported: Type.Union([Type.String(), Type.Null()], { description: 'what the device last said' }),
  set: Type.Union([Type.String(), Type.Null()], { description: 'what the cloud wants' }),
  timestamp: Type.Integer({ description: 'µs since the epoch, of the later of the two' }),
});

const credential = Type.Object(
  {
    type: authType,
    fingerprint: Type.Optional(Type.String({ description: 'SHA-256 of the certificate, hex' })),
    not_before: Type.Optional(Type.Integer()),
    not_after: Type.Optional(Type.Integer()),
  },
  { description: 'what is bound to the identity; never the secret. Only where one identity is asked for' },
);

export const identity = Type.Object(
  {
    identity: Type.String(),
    auth: Type.Object({
      type: authType,
      expire: Type.Optional(Type.Integer({ description: 'end of the activation window, or of the credential' })),
    }),
    state: mapOf(valueState, { description: 'left empty in lists' }),
    locked: Type.Boolean(),
    reprovision: Type.Boolean(),
    devmode: Type.Boolean(),
    status,
    online: Type.Boolean(),
    lastip: textOrNull,
    lastseen: timeOrNull,
    created: Type.Integer(),
    provisioned_at: timeOrNull,
    tags: mapOf(Type.Array(Type.String())),
    batch: textOrNull,
    certificate_expires: Type.Optional(
      Type.Integer({ description: 'end of its certificate, µs since the epoch; left out where it has none' }),
    ),
    credential: Type.Optional(Type.Union([credential, Type.Null()])),
  },
  { $id: 'Identity' },
);

/** Conditions that lists and counts share. */
export const filter = {
  status: Type.Optional(status),
  identity: Type.Optional(
    Type.String({ minLength: 1, maxLength: 256, description: 'substring; * stands for anything' }),
  ),
  ipaddress: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'last address' })),
  tag: Type.Optional(Type.Array(Type.String(), { maxItems: 20, description: '<name>:<value>; all must hold' })),
  batch: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  online: Type.Optional(Type.Boolean()),
  before: Type.Optional(time),
  certificate_expires_before: Type.Optional(time),
};
export const countQuery = closed(filter);
export const listQuery = closed({
  ...filter,
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 2048, description: 'from the page before' })),
  sort: Type.Optional(
    Type.Enum(['activity', '-activity', 'identity', '-identity', 'created', '-created'], {
      description: '-activity, the newest first, unless given',
    }),
  ),
});
export const count = Type.Object({ count: Type.Integer() });
export const devicePage = Type.Object({
  mayLoadMore: Type.Boolean(),
  cursor: Type.Union([Type.String(), Type.Null()], { description: 'of the next page' }),
  devices: Type.Array(ref('Identity') as never),
});

const expire = Type.Integer({
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'µs since the epoch; 0 = revoke',
});

export const expireOrNull = Type.Union([expire, Type.Null()], {
  description: 'µs since the epoch; 0 = revoke, null = never',
});

export const upsertQuery = closed({ upsert: Type.Optional(Type.Boolean()) });
export const whitelistBody = closed({
  auth: Type.Optional(
    closed({
      type: Type.Optional(authType),
      key: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 65_536,
          description:
            'PEM certificate, token (40 lower-case hex digits) or password (20 to 512 bytes), set beforehand',
        }),
      ),
      token_sha256: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256 of a token, hex' })),
      expire: Type.Optional(expire),
    }),
  ),
  locked: Type.Optional(Type.Boolean()),
  tags: Type.Optional(tags),
});
export const generateBody = closed({
  auth: Type.Optional(closed({ type: Type.Optional(authType), expire: Type.Optional(expire) })),
  locked: Type.Optional(Type.Boolean()),
  tags: Type.Optional(tags),
});
export const patchBody = closed({
  locked: Type.Optional(Type.Boolean()),
  reprovision: Type.Optional(Type.Boolean()),
  auth: Type.Optional(closed({ expire: Type.Optional(Type.Union([expire, Type.Null()])) })),
  tags: Type.Optional(tags),
});

export const tagsBody = tags;
export const tagBody = closed({ values: Type.Array(Type.String(), { minItems: 1, maxItems: 100 }) });
export const tagsAnswer = Type.Object({ tags: mapOf(Type.Array(Type.String())) });
export const tagAnswer = Type.Object({ name: Type.String(), values: Type.Array(Type.String()) });
export const tagNames = Type.Object({ names: Type.Array(Type.String()) });
export const tagValuesQuery = closed({
  begins: Type.Optional(Type.String({ maxLength: 256, description: 'what the values begin with' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'all values unless given' })),
});
export const tagCounts = Type.Object({
  name: Type.String(),
  values: Type.Array(Type.Object({ value: Type.String(), count: Type.Integer() })),
});

export const explanation = Type.Object({
  identity: Type.String(),
  known: Type.Boolean(),
  status: Type.Union([status, Type.Null()]),
  attempts: Type.Array(
    Type.Object({
      timestamp: Type.Integer(),
      rule: textOrNull,
      seen: textOrNull,
      wanted: textOrNull,
      message: textOrNull,
      ip: textOrNull,
      protocol: textOrNull,
    }),
    { description: 'the last 20 refusals, newest first' },
  ),
});
