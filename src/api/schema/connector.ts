/** Schemas of connectors and their settings, as the wire has them (management-api.md, Device2). */

import { Type } from 'typebox';
import { eventTypes } from '../../domain/connector.ts';
import { limits } from '../../domain/settings.ts';
import { closed, mapOf } from './common.ts';

export const eventType = Type.Enum([...eventTypes]);

export const newConnector = closed({
  name: Type.String({ minLength: 1, maxLength: limits.name }),
  description: Type.Optional(Type.String({ maxLength: limits.description })),
});
export const connectorPatch = closed({
  name: Type.Optional(Type.String({ minLength: 1, maxLength: limits.name })),
  description: Type.Optional(Type.String({ maxLength: limits.description })),
});
export const deleteQuery = closed({
  confirm: Type.Optional(Type.String({ description: 'the name of the connector' })),
});

export const connector = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    description: Type.String(),
    fqdn: Type.String({ description: 'host name that its devices talk to' }),
    url: Type.String(),
    created: Type.Integer({ description: 'µs since the epoch' }),
  },
  { $id: 'Connector' },
);

const value = Type.Union([Type.String(), Type.Number(), Type.Boolean()]);
const resource = Type.Object({
  format: Type.Enum(['string', 'number', 'boolean']),
  unit: Type.String(),
  settable: Type.Boolean(),
  allowed: Type.Array(value),
  initial: Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]),
  sync: Type.Boolean(),
});

export const settings = Type.Object(
  {
    name: Type.String(),
    description: Type.String(),
    fqdn: Type.String(),
    protocol: Type.Object({
      name: Type.String(),
      devmode: Type.Boolean(),
      port: Type.String(),
      client_ca: Type.Null(),
    }),
    identity_format: Type.Object({
      type: Type.Enum(['opaque', 'base10', 'base16', 'mac', 'mac-colon', 'mac-dash', 'uuid']),
      prefix: Type.String(),
      options: Type.Object({ casing: Type.Enum(['lower', 'upper', 'mixed']), length: Type.Integer() }),
    }),
    provisioning: Type.Object({
      enabled: Type.Boolean(),
      auth_type: Type.Enum(['token', 'password', 'certificate']),
      generate_identity: Type.Boolean(),
      presenter_identity: Type.Boolean(),
      expire_hours: Type.Number(),
      ip_whitelisting: Type.Object({ enabled: Type.Boolean(), allowed: Type.Array(Type.String()) }),
    }),
    pki: Type.Object({
      enabled: Type.Boolean(),
      client_ca: Type.Array(Type.String({ description: 'PEM' })),
      crl: Type.Array(Type.String({ description: 'PEM' })),
    }),
    events: Type.Object({ types: Type.Array(eventType) }),
    resources: mapOf(resource),
    retention: Type.Object({
      events_days: Type.Number(),
      expired_days: Type.Number(),
      history_days: Type.Number(),
    }),
    limits: Type.Object({ requests_per_minute: Type.Number() }),
    content: Type.Object({
      device_upload: Type.Boolean(),
      device_upload_bytes: Type.Number(),
      device_upload_total_bytes: Type.Number(),
    }),
  },
  { $id: 'Settings' },
);

const optional = Type.Optional;

/** A definition in a PATCH; what it leaves out gets its default. */
const resourcePatch = closed({
  format: optional(Type.Enum(['string', 'number', 'boolean'])),
  unit: optional(Type.String()),
  settable: optional(Type.Boolean()),
  allowed: optional(Type.Array(value)),
  initial: optional(Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()])),
  sync: optional(Type.Boolean()),
});

/** Shape and types only; whether the merged settings make sense is for the domain to say. */
export const settingsPatch = closed(
  {
    name: optional(Type.String()),
    description: optional(Type.String()),
    fqdn: optional(Type.String({ description: 'read only: taken if it is what it was' })),
    protocol: optional(Type.Unknown({ description: 'read only: taken if it is what it was' })),
    identity_format: optional(
      closed({
        type: optional(Type.Enum(['opaque', 'base10', 'base16', 'mac', 'mac-colon', 'mac-dash', 'uuid'])),
        prefix: optional(Type.String()),
        options: optional(
          closed({ casing: optional(Type.Enum(['lower', 'upper', 'mixed'])), length: optional(Type.Number()) }),
        ),
      }),
    ),
    provisioning: optional(
      closed({
        enabled: optional(Type.Boolean()),
        auth_type: optional(Type.Enum(['token', 'password', 'certificate'])),
        generate_identity: optional(Type.Boolean()),
        presenter_identity: optional(Type.Boolean()),
        expire_hours: optional(Type.Number()),
        ip_whitelisting: optional(
          closed({ enabled: optional(Type.Boolean()), allowed: optional(Type.Array(Type.String())) }),
        ),
      }),
    ),
    pki: optional(
      closed({
        enabled: optional(Type.Boolean()),
        client_ca: optional(Type.Array(Type.String({ description: 'PEM' }))),
        crl: optional(Type.Array(Type.String({ description: 'PEM' }))),
      }),
    ),
    events: optional(closed({ types: optional(Type.Array(eventType)) })),
    resources: optional(mapOf(resourcePatch, { description: 'replaces the whole set' })),
    retention: optional(
      closed({
        events_days: optional(Type.Number()),
        expired_days: optional(Type.Number()),
        history_days: optional(Type.Number()),
      }),
    ),
    limits: optional(closed({ requests_per_minute: optional(Type.Number()) })),
    content: optional(
      closed({
        device_upload: optional(Type.Boolean()),
        device_upload_bytes: optional(Type.Number()),
        device_upload_total_bytes: optional(Type.Number()),
      }),
    ),
  },
  { description: 'any part of Settings' },
);

export const decodeBody = closed({ certificate: Type.String({ maxLength: 65_536, description: 'PEM' }) });
export const certificateDescription = Type.Object({
  subject: Type.String(),
  issuer: Type.String(),
  serial: Type.String(),
  not_before: Type.Integer({ description: 'µs since the epoch' }),
  not_after: Type.Integer({ description: 'µs since the epoch' }),
  fingerprint: Type.String({ description: 'SHA-256, hex' }),
  is_ca: Type.Boolean(),
  key: Type.String(),
});

export const decodeCrlBody = closed({ crl: Type.String({ maxLength: limits.pem, description: 'PEM' }) });
const moment = Type.Union([Type.Integer(), Type.Null()], { description: 'µs since the epoch' });
export const crlDescription = Type.Object({
  issuer: Type.String(),
  this_update: moment,
  next_update: moment,
  revoked: Type.Integer({ description: 'certificates on the list' }),
});
