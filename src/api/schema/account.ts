/** Schemas of signing in and of accounts. */
import { Type } from 'typebox';
import { closed, textOrNull } from './common.ts';

const code = Type.String({ maxLength: 40, description: 'of the second factor, or a recovery code' });
export const credentials = closed({
  email: Type.String({ minLength: 1, maxLength: 320 }),
  password: Type.String({ minLength: 1, maxLength: 1024 }),
  code: Type.Optional(code),
});
export const proof = closed({
  password: Type.String({ minLength: 1, maxLength: 1024 }),
  code: Type.Optional(code),
});
export const proven = Type.Object({ proven: Type.Integer({ description: 'µs since the epoch' }) });
/** Shortest password of a person, in characters. */
export const PASSWORD_LEAST = 12;
export const ownChange = closed({
  password: closed({
    current: Type.String({ minLength: 1, maxLength: 1024 }),
    new: Type.String({ minLength: PASSWORD_LEAST, maxLength: 1024 }),
    code: Type.Optional(code),
  }),
});
export const byLink = closed({
  link: Type.String({ minLength: 1, maxLength: 256, description: 'what follows # in the link' }),
  password: Type.String({ minLength: PASSWORD_LEAST, maxLength: 1024 }),
});
export const linkAnswer = Type.Object({ email: Type.String() });
export const token = Type.Object({ token: Type.String({ description: 'for Authorization: token <token>' }) });
export const role = Type.Enum(['viewer', 'operator', 'admin']);
export const me = Type.Object({
  id: Type.String(),
  email: Type.String({ description: 'of a person; key:<name> for an API key' }),
  role,
  connectors: Type.Array(Type.String(), { description: 'ids of the connectors that the account sees' }),
  all_connectors: Type.Boolean({ description: 'it sees all connectors, also those to come' }),
  second_factor: Type.Boolean(),
  has_password: Type.Boolean(),
});

export const sessionList = Type.Object({
  sessions: Type.Array(
    Type.Object({
      id: Type.String(),
      created: Type.Integer({ description: 'µs since the epoch' }),
      expires: Type.Integer(),
      used: Type.Integer({ description: 'to the minute' }),
      ip: textOrNull,
      agent: Type.String({ description: 'what the client calls itself' }),
      current: Type.Boolean({ description: 'the one that asks' }),
    }),
  ),
});
export const sessionParams = closed({ session: Type.String({ description: 'id of the session', maxLength: 64 }) });

export const enrolment = Type.Object({
  secret: Type.String({ description: 'base32, for an authenticator app; shown this once' }),
  uri: Type.String({ description: 'the same as otpauth://, for a QR code' }),
  enrolment: Type.String({ description: 'to be sent back with a code' }),
});
export const enrolBody = closed({ enrolment: Type.String({ maxLength: 1024 }), code });
export const recoveryCodes = Type.Object({
  recovery_codes: Type.Array(Type.String(), { description: 'each signs in once in place of a code; shown this once' }),
});

export const cookieSession = Type.Object({ account: Type.Union([me, Type.Null()]) });

/** What the console says of the server that it belongs to. */
export const serverFacts = Type.Object({
  version: Type.String(),
  device_url: Type.String({ description: 'of a connector with the id `connector`, HTTPS, as the server knows it' }),
  mqtt_port: Type.Integer({ description: 'of the device port, MQTT over TLS, as the server knows it' }),
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

/** What the page to sign in offers beside email and password. */
export const signInWays = Type.Object({
  provider: Type.Union([Type.Object({ name: Type.String() }), Type.Null()], {
    description: 'an OpenID provider, at /api:1/oidc/start',
  }),
});
export const providerStart = closed({
  to: Type.Optional(Type.String({ maxLength: 2000, description: 'page of the console to end on' })),
  fresh: Type.Optional(Type.Boolean({ description: 'the provider is to ask for the password in any case' })),
});
/** What the provider sends along is for it to say (RFC 6749, 4.1.2: unknown parameters are ignored). */
export const providerAnswer = Type.Object({});
export const redirection = { description: 'To another page', type: 'null' };
