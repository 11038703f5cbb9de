/** Schemas of accounts, API keys and the audit log. */
import { Type } from 'typebox';
import { EMAIL, EMAIL_MAX, KEY_NAME } from '../../domain/people.ts';
import { PASSWORD_LEAST, role } from './account.ts';
import { closed, ref, sequence, textOrNull, timeOrNull } from './common.ts';

const email = Type.String({
  pattern: EMAIL,
  maxLength: EMAIL_MAX,
  description: 'without white space and what nobody sees',
});
const connectors = Type.Union([Type.Array(Type.String({ maxLength: 64 }), { maxItems: 1000 }), Type.Null()], {
  description: 'ids of the connectors that the account sees; null: all, also those to come',
});

export const user = Type.Object(
  {
    id: Type.String(),
    email: Type.String(),
    role,
    connectors,
    created: Type.Integer({ description: 'µs since the epoch' }),
    has_password: Type.Boolean(),
    link_expires: { ...timeOrNull, description: 'end of the one-time link to set a password; null if there is none' },
    second_factor: Type.Boolean(),
    provided: Type.Boolean({ description: 'an OpenID provider tells who this is, and the role' }),
  },
  { $id: 'User' },
);
const linkPath = Type.String({ description: 'page of the console that sets a password once; shown this once' });

export const userList = Type.Object({ users: Type.Array(ref('User')) });
export const newUser = closed({
  email,
  role,
  connectors: Type.Optional(connectors),
  password: Type.Optional(Type.String({ minLength: PASSWORD_LEAST, maxLength: 1024 })),
});
export const newUserAnswer = Type.Object({ ...user.properties, link: Type.Optional(linkPath) });
export const userPatch = closed({
  email: Type.Optional(email),
  role: Type.Optional(role),
  connectors: Type.Optional(connectors),
});
export const linkShown = Type.Object({ link: linkPath, link_expires: Type.Integer() });

const userId = Type.String({ description: 'id of the account', maxLength: 64 });
export const userParams = closed({ user: userId });
export const userSessionParams = closed({ user: userId, session: Type.String({ maxLength: 64 }) });

const key = Type.Object({
  id: Type.String(),
  name: Type.String(),
  role,
  connector: { ...textOrNull, description: 'id of the one that it sees; null: all' },
  created: Type.Integer(),
  creator: Type.String({ description: 'email of who made it' }),
  expires: timeOrNull,
  used: { ...timeOrNull, description: 'when it was last used, to the minute, µs since the epoch' },
});
export const keyList = Type.Object({ keys: Type.Array(key) });
export const newKey = closed({
  name: Type.String({
    pattern: KEY_NAME,
    maxLength: 100,
    description: 'without white space at its ends, line breaks and what nobody sees',
  }),
  role,
  connector: Type.Optional(Type.Union([Type.String({ maxLength: 64 }), Type.Null()])),
  expires: Type.Optional(
    Type.Union([Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), Type.Null()], {
      description: 'µs since the epoch; null: never',
    }),
  ),
});
export const newKeyAnswer = Type.Object({
  ...key.properties,
  key: Type.String({ description: 'for Authorization: token <key>; shown this once' }),
});
export const keyParams = closed({ key: Type.String({ description: 'id of the key', maxLength: 64 }) });

export const auditQuery = closed({
  before: Type.Optional(sequence),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
  search: Type.Optional(Type.String({ maxLength: 200, description: 'part of an entry, in whatever case' })),
});
const auditEntry = Type.Object({
  seq: Type.Integer(),
  timestamp: Type.Integer({ description: 'µs since the epoch' }),
  who: Type.String({ description: 'an email, key:<name> of an API key, or who else acts' }),
  from: { ...textOrNull, description: 'address' },
  action: Type.String({ description: 'the operationId of the call, mostly' }),
  target: Type.String(),
  before: Type.Unknown(),
  after: Type.Unknown(),
  previous: Type.String({ description: 'digest of the entry before' }),
  digest: Type.String({ description: 'SHA-256, hex' }),
});
export const auditPage = Type.Object({
  entries: Type.Array(auditEntry),
  next: {
    ...timeOrNull,
    description: 'before of the next page; null behind the last. A search may find none on a page',
  },
});
export const exportQuery = closed({ after: Type.Optional(sequence) });
export const auditExport = {
  description: 'one entry on each line',
  content: { 'application/x-ndjson': { schema: Type.String() } },
};
