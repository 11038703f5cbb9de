/** Schemas of webhooks and of their deliveries. */
import { Type } from 'typebox';
import { closed, ref, sequence, textOrNull, timeOrNull } from './common.ts';
import { eventType } from './connector.ts';

export const webhookParams = closed({
  connector: Type.String({ description: 'id of the connector', maxLength: 64 }),
  hook: Type.String({ description: 'id of the webhook', maxLength: 64 }),
});

const url = Type.String({ minLength: 1, maxLength: 4096, description: 'https:// or http://, a public address' });
const types = Type.Array(eventType, { maxItems: 100, description: 'event types; empty = all' });

export const newWebhook = closed({
  url,
  types: Type.Optional(types),
  enabled: Type.Optional(Type.Boolean()),
});
export const webhookPatch = closed({
  url: Type.Optional(url),
  types: Type.Optional(types),
  enabled: Type.Optional(Type.Boolean({ description: 'true: also tries again at once' })),
  rotate_secret: Type.Optional(Type.Boolean({ description: 'true: a new secret, which is in the answer' })),
});
export const replayBody = closed({ after: sequence });

export const webhook = Type.Object(
  {
    id: Type.String(),
    url: Type.String(),
    types,
    enabled: Type.Boolean(),
    created: Type.Integer({ description: 'µs since the epoch' }),
    state: Type.Enum(['active', 'failing', 'paused', 'disabled']),
    position: Type.Integer({ description: 'sequence number up to which all is delivered' }),
    failures: Type.Integer({ description: 'tries that failed since the last one that did not' }),
    failing_since: timeOrNull,
    next_try: timeOrNull,
    paused_at: timeOrNull,
    last_success: timeOrNull,
    missed: Type.Union([Type.Object({ from: Type.Integer(), to: Type.Integer() }), Type.Null()], {
      description: 'events of this time were no longer kept when their turn came',
    }),
    secret: Type.Optional(Type.String({ description: 'for checking signatures; shown this once' })),
  },
  { $id: 'Webhook' },
);
export const webhookList = Type.Object({ webhooks: Type.Array(ref('Webhook') as never) });

export const deliveryList = Type.Object({
  deliveries: Type.Array(
    Type.Object({
      id: Type.String({ description: 'Slipway-Delivery' }),
      at: Type.Integer({ description: 'when it began, µs since the epoch' }),
      attempt: Type.Integer({ description: 'from 1' }),
      first: Type.Integer({ description: 'sequence number' }),
      last: Type.Integer({ description: 'sequence number' }),
      count: Type.Integer({ description: 'events in it' }),
      status: Type.Union([Type.Integer(), Type.Null()], { description: 'of the answer; null where none came' }),
      duration: Type.Integer({ description: 'ms' }),
      error: textOrNull,
    }),
    { description: 'the last tries, newest first' },
  ),
});
