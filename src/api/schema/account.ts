/** Schemas of signing in and of accounts. */
import { Type } from 'typebox';
import { closed } from './common.ts';

export const credentials = closed({
  email: Type.String({ minLength: 1, maxLength: 320 }),
  password: Type.String({ minLength: 1, maxLength: 1024 }),
});
export const token = Type.Object({ token: Type.String({ description: 'for Authorization: token <token>' }) });
export const role = Type.Enum(['viewer', 'operator', 'admin']);
export const me = Type.Object({
  id: Type.String(),
  email: Type.String(),
  role,
  connectors: Type.Array(Type.String(), { description: 'ids of the connectors that the account sees' }),
});
