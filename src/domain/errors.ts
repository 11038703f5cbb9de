/**
 * The closed catalogue of everything that Slipway can refuse or fail at. Both doors and the management API answer from
 * it; `docs/errors.md` lists it row by row and a test holds the two equal. Public text is here, the cause stays inside.
 */

interface ErrorRow {
  /** HTTP status (device-http.md, table of codes). */
  readonly status: number;
  /** What was wrong, as one sentence without its full stop. */
  readonly text: string;
}

export const errors = {
  // The request itself
  REQUEST_MALFORMED: { status: 400, text: 'The request is not valid HTTP/1.1' },
  BODY_INVALID: { status: 400, text: 'The body cannot be understood' },
  ID_MISSING: { status: 400, text: 'The body names no identity' },
  IDENTITY_ENCODING: { status: 400, text: 'The identity is not validly percent-encoded UTF-8' },
  IDENTITY_FORMAT: { status: 400, text: 'The identity does not fit the identity format of the connector' },
  TIMESTAMP_INVALID: { status: 400, text: 'A timestamp is not a number of seconds, milliseconds or microseconds' },
  ALIAS_INVALID: { status: 400, text: 'An alias is not valid' },
  HEADER_INVALID: { status: 400, text: 'A header has a value that cannot be used' },
  PATH_UNKNOWN: { status: 404, text: 'There is nothing at this path' },
  METHOD_NOT_ALLOWED: { status: 405, text: 'This path does not take this method' },
  REQUEST_TIMEOUT: { status: 408, text: 'The request did not arrive in time' },
  BODY_TOO_LARGE: { status: 413, text: 'The body is too large' },
  MEDIA_TYPE: { status: 415, text: 'The body has a content type that this call does not take' },
  URI_TOO_LONG: { status: 414, text: 'The path is too long' },
  HEADERS_TOO_LARGE: { status: 431, text: 'The headers are too large' },
  HOST_MISMATCH: { status: 421, text: 'The Host header and the TLS server name differ' },
  CONNECTOR_UNKNOWN: { status: 404, text: 'There is no such connector' },

  // Who is asking
  CREDENTIAL_MISSING: { status: 401, text: 'The request carries no credential' },
  CREDENTIAL_INVALID: { status: 401, text: 'The credential is not valid' },
  CREDENTIAL_EXPIRED: { status: 401, text: 'The credential has expired' },
  CREDENTIAL_CONFLICT: {
    status: 401,
    text: 'The client certificate and the Authorization header name different devices',
  },
  DEVICE_LOCKED: { status: 403, text: 'The device is locked' },
  CERTIFICATE_NOT_YET_VALID: { status: 403, text: 'The client certificate is not valid yet' },
  CERTIFICATE_EXPIRED: { status: 403, text: 'The client certificate is no longer valid' },
  CERTIFICATE_UNTRUSTED: { status: 403, text: 'The client certificate does not chain to a CA of the connector' },
  CERTIFICATE_REVOKED: { status: 403, text: 'The client certificate is on a revocation list' },
  CERTIFICATE_NAME: { status: 403, text: 'The common name of the client certificate is not the identity' },

  // Provisioning
  PROVISIONING_DISABLED: { status: 403, text: 'Provisioning is switched off for this connector' },
  ADDRESS_NOT_ALLOWED: { status: 403, text: 'Provisioning is not allowed from this address' },
  IDENTITY_UNKNOWN: { status: 404, text: 'The identity is not whitelisted' },
  ALREADY_PROVISIONED: { status: 409, text: 'The identity is already provisioned' },
  WINDOW_CLOSED: { status: 409, text: 'The activation window of the identity has closed' },
  PASSWORD_MISSING: { status: 415, text: 'This connector provisions by password, and none was sent' },
  PASSWORD_LENGTH: { status: 415, text: 'The password has the wrong length' },
  PASSWORD_NOT_WANTED: { status: 415, text: 'This connector provisions by token; a password was sent' },
  CERTIFICATE_REQUIRED: {
    status: 415,
    text: 'This connector provisions by TLS client certificate, and none was presented',
  },
  CERTIFICATE_NOT_WANTED: { status: 415, text: 'This connector does not provision by TLS client certificate' },

  // Data
  RECORD_CONFLICT: { status: 409, text: 'Points of one alias lie less than a second apart, or are already recorded' },
  VALUE_REFUSED: { status: 422, text: 'A value does not fit the definition of its resource' },
  NOT_SETTABLE: { status: 400, text: 'Value is not settable' },

  // Content
  CONTENT_INVALID: { status: 400, text: 'The file cannot be described like this' },
  UPLOAD_DISABLED: { status: 403, text: 'This connector takes no files from devices' },
  CONTENT_UNKNOWN: { status: 404, text: 'There is no such file, or none that is offered' },
  CONTENT_CHANGED: { status: 409, text: 'The file was changed by somebody else meanwhile' },
  CONTENT_LIMIT: { status: 409, text: 'There are more files than the limit allows' },
  ROLLOUT_INVALID: { status: 400, text: 'A rollout cannot be made like this' },
  ROLLOUT_UNKNOWN: { status: 404, text: 'The file has no rollout' },
  ROLLOUT_STATE: { status: 409, text: 'The rollout is not in a state that allows this' },
  RANGE_UNMET: { status: 416, text: 'The range lies outside of the file' },
  STORAGE_FULL: { status: 507, text: 'There is no room for the file; nothing was stored' },

  // MQTT
  PACKET_MALFORMED: { status: 400, text: 'The bytes are no valid MQTT packet' },
  PACKET_UNEXPECTED: { status: 400, text: 'The packet is not allowed at this point' },
  PACKET_TOO_LARGE: { status: 413, text: 'The packet is larger than the server takes' },
  PROTOCOL_VERSION: { status: 400, text: 'The protocol version is not offered' },
  AUTHENTICATION_METHOD: { status: 400, text: 'Enhanced authentication is not offered' },
  TOPIC_INVALID: { status: 400, text: 'The topic name is not valid' },
  TOPIC_ALIAS: { status: 400, text: 'Topic aliases are not offered' },
  QOS_UNSUPPORTED: { status: 400, text: 'QoS 2 is not offered' },
  RETAIN_UNSUPPORTED: { status: 400, text: 'Retained messages are not offered' },
  SUBSCRIPTION_SHARED: { status: 400, text: 'Shared subscriptions are not offered' },
  SUBSCRIPTION_IDENTIFIER: { status: 400, text: 'Subscription identifiers are not offered' },
  RECEIVE_MAXIMUM: { status: 429, text: 'More messages wait for their acknowledgement than the server allows' },
  NOT_AUTHENTICATED: { status: 401, text: 'The connection has not shown a credential, and may only provision' },
  KEEP_ALIVE: { status: 408, text: 'No packet came within one and a half times the keep-alive' },
  TAKEN_OVER: { status: 409, text: 'Another connection of the device took over' },

  // Management
  SCHEMA: { status: 400, text: 'The request does not fit the schema of this call' },
  SETTINGS_INVALID: { status: 400, text: 'The settings are not valid' },
  CSV_INVALID: { status: 400, text: 'CSV file format invalid' },
  IMPORT_REFUSED: { status: 400, text: 'The file has bad rows; nothing was written' },
  PEM_INVALID: { status: 400, text: 'This is no valid PEM certificate' },
  CA_INVALID: { status: 400, text: 'This is no certificate of a CA' },
  CRL_INVALID: { status: 400, text: 'This is no revocation list that can be used' },
  WEBHOOK_TARGET: { status: 400, text: 'The URL cannot be that of a webhook' },
  CURSOR_INVALID: { status: 400, text: 'The cursor is not one that this server gave' },
  CONFIRM_MISSING: { status: 400, text: 'Deleting a connector needs its name as ?confirm=' },
  LOGIN_FAILED: { status: 401, text: 'Email or password is wrong' },
  CODE_NEEDED: { status: 401, text: 'This account has a second factor, and no code of it was sent' },
  CODE_WRONG: { status: 401, text: 'The code of the second factor is wrong, or was used before' },
  PROVIDER_FAILED: { status: 401, text: 'The sign-in by the OpenID provider did not succeed' },
  SESSION_INVALID: { status: 401, text: 'The request carries no valid session' },
  CROSS_SITE: { status: 403, text: 'The session cookie came with a request of another site' },
  PASSWORD_WRONG: { status: 403, text: 'The current password is wrong' },
  ROLE_FORBIDDEN: { status: 403, text: 'The role of this account does not allow the call' },
  SCOPE_FORBIDDEN: { status: 403, text: 'The call is for those who see all connectors' },
  KEY_FORBIDDEN: { status: 403, text: 'The call is for people, and not for API keys' },
  PROOF_NEEDED: { status: 403, text: 'The call needs the password of this account once more' },
  PROVIDER_FORBIDDEN: { status: 403, text: 'The OpenID provider gives this account no role here' },
  GENERATE_DISABLED: { status: 403, text: 'This connector does not let the server make identities' },
  USER_UNKNOWN: { status: 404, text: 'There is no such account' },
  KEY_UNKNOWN: { status: 404, text: 'There is no such API key' },
  SESSION_UNKNOWN: { status: 404, text: 'The account has no such session' },
  LINK_INVALID: { status: 404, text: 'The link was used, has ended, or was replaced by another' },
  DEVICE_UNKNOWN: { status: 404, text: 'There is no such identity' },
  BATCH_UNKNOWN: { status: 404, text: 'There is no such batch' },
  WEBHOOK_UNKNOWN: { status: 404, text: 'There is no such webhook' },
  JOB_UNKNOWN: { status: 404, text: 'There is no such job' },
  TAG_UNKNOWN: { status: 404, text: 'The device has no such tag' },
  USER_KNOWN: { status: 409, text: 'There is an account of this email already' },
  KEY_KNOWN: { status: 409, text: 'There is an API key of this name already' },
  LAST_ADMIN: { status: 409, text: 'This is the last account that can manage everything' },
  FACTOR_KNOWN: { status: 409, text: 'The account has a second factor already' },
  PROVIDED: { status: 409, text: 'The OpenID provider decides this of the account' },
  DEVICE_KNOWN: { status: 409, text: 'The identity is already known' },
  CREDENTIAL_TAKEN: { status: 409, text: 'The credential already belongs to another device' },
  BATCH_BUSY: { status: 409, text: 'The batch is still being written or undone' },
  WEBHOOK_LIMIT: { status: 409, text: 'The connector has as many webhooks as it may have' },
  JOB_STATE: { status: 409, text: 'The job is not in a state that allows this' },
  COUNT_CHANGED: { status: 409, text: 'Another number of devices fits the filter; nothing was changed' },
  STATE_CONFLICT: { status: 409, text: 'The device is not in a state that allows this' },

  SETTINGS_CHANGED: { status: 412, text: 'The settings have changed since they were read' },

  // Us
  CONSOLE_UNAVAILABLE: { status: 503, text: 'The console could not be built; everything else works' },
  IMPORT_LIMIT: { status: 429, text: 'As many imports of this account or key are under way as there may be' },
  RATE_LIMITED: { status: 429, text: 'Too many requests' },
  INTERNAL: { status: 500, text: 'Something went wrong on our side; nothing of the request was stored' },
  FACTOR_SEALED: { status: 503, text: 'The key of this server does not open the second factor of this account' },
  STORAGE_UNAVAILABLE: { status: 503, text: 'Storage is not reachable; nothing was stored' },
  OVERLOADED: { status: 503, text: 'The server is at its limit; nothing was stored' },
  STOPPING: { status: 503, text: 'The server is stopping; nothing was stored' },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errors;

interface ErrorDetail {
  /** What the server saw. Never a secret. */
  readonly seen?: string;
  /** What it would have taken. */
  readonly wanted?: string;
  /** Seconds after which trying again makes sense (`Retry-After`). */
  readonly retryAfter?: number;
  /** A body that the wire format prescribes in place of the sentence (record conflicts). */
  readonly body?: string;
  /** Structured detail for the management API. */
  readonly details?: unknown;
  readonly cause?: unknown;
}

/** Longest piece of foreign input that an error repeats, in characters. */
const SEEN_MAX = 200;

/** A refusal or failure from the catalogue. `message` is public: what was wrong, what was seen, what was wanted. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly seen: string | undefined;
  readonly wanted: string | undefined;
  readonly retryAfter: number | undefined;
  readonly body: string | undefined;
  readonly details: unknown;

  constructor(code: ErrorCode, detail: ErrorDetail = {}) {
    const seen = detail.seen === undefined ? undefined : printable(detail.seen);
    super(sentence(errors[code].text, seen, detail.wanted), { cause: detail.cause });
    this.name = 'AppError';
    this.code = code;
    this.status = errors[code].status;
    this.seen = seen;
    this.wanted = detail.wanted;
    this.retryAfter = detail.retryAfter;
    this.body = detail.body;
    this.details = detail.details;
  }
}

/** Everything that can be thrown, as an error of the catalogue. */
export function asAppError(error: unknown): AppError {
  return error instanceof AppError ? error : new AppError('INTERNAL', { cause: error });
}

/** Composes the public sentence: `<text>: saw <seen>, expected <wanted>.` */
function sentence(text: string, seen: string | undefined, wanted: string | undefined): string {
  if (seen !== undefined && wanted !== undefined) return `${text}: saw ${seen}, expected ${wanted}.`;
  if (seen !== undefined) return `${text}: saw ${seen}.`;
  if (wanted !== undefined) return `${text}: expected ${wanted}.`;
  return `${text}.`;
}

/** Foreign input as it may stand in one line of an answer or log: bounded, no control characters, and none that cannot be seen. */
export function printable(text: string): string {
  const cut = text.length > SEEN_MAX ? `${text.slice(0, SEEN_MAX)}…` : text;
  return cut.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]|\p{Cf}/gu, '�');
}
