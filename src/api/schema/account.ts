/** Schemas of signing in and of accounts. */
import { Type } from 'typebox';
import { closed } from './common.ts';

export const credentials = closed({
  email: Type.String({ minLength: 1, maxLength: 320 }),
  password: Type.String({ minLength: 1, maxLength: 1024 }),
});
/** Shortest password of a person, in characters. */
export const PASSWORD_LEAST = 12;
export const ownChange = closed({
  password: closed({
    current: Type.String({ minLength: 1, maxLength: 1024 }),
    new: Type.String({ minLength: PASSWORD_LEAST, maxLength: 1024 }),
  }),
});
export const token = Type.Object({ token: Type.String({ description: 'for Authorization: token <token>' }) });
export const role = Type.Enum(['viewer', 'operator', 'admin']);
export const me = Type.Object({
  id: Type.String(),
  email: Type.String(),
  role,
  connectors: Type.Array(Type.String(), { description: 'ids of the connectors that the account sees' }),
});

export const cookieSession = Type.Object({ account: Type.Union([me, Type.Null()]) });

/** What the console says of the server that it belongs to. */
export const serverFacts = Type.Object({
  version: Type.String(),
  ca: Type.Union(
    [
      Type.Object({
        path: Type.String({ description: 'on the machine of the server' }),
        certificate: Type.String({ description: 'PEM' }),
      }),
      Type.Null(),
    ],
    { description: 'the local CA that signed the certificate of the device ports; null where that is your own' },
  ),
});
