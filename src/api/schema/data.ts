/** Schemas of a device's state and history, and of the event log. */
import { Type } from 'typebox';
import { closed, listOf, mapOf, ref, sequence, textOrNull, time } from './common.ts';
import { eventType } from './connector.ts';
import { valueState } from './device.ts';

export const stateAnswer = mapOf(valueState);
export const stateBody = mapOf(Type.Union([Type.String({ maxLength: 1_048_576 }), Type.Number(), Type.Boolean()]), {
  minProperties: 1,
  maxProperties: 1000,
  description: 'alias → value to set',
});

export const historyQuery = closed({
  alias: Type.String({ minLength: 1, maxLength: 128 }),
  from: Type.Optional(time),
  to: Type.Optional(time),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: 1000 })),
  bucket: Type.Optional(Type.Integer({ minimum: 1, maximum: 31_536_000, description: 'seconds' })),
});
export const historyAnswer = Type.Object({
  points: Type.Array(
    Type.Object({
      timestamp: Type.Integer({ description: 'µs since the epoch; of a bucket, its start' }),
      value: Type.Optional(Type.String()),
      min: Type.Optional(Type.Number()),
      mean: Type.Optional(Type.Number()),
      max: Type.Optional(Type.Number()),
      count: Type.Optional(Type.Integer()),
    }),
    { description: 'oldest first; min, mean, max and count with ?bucket=' },
  ),
  mayLoadMore: Type.Boolean(),
});

export const event = Type.Object(
  {
    seq: Type.Integer(),
    type: eventType,
    identity: textOrNull,
    ip: textOrNull,
    protocol: textOrNull,
    timestamp: Type.Integer(),
    connection_id: textOrNull,
    tags: mapOf(Type.Array(Type.String())),
    payload: Type.Unknown(),
  },
  { $id: 'Event' },
);
const eventFilter = {
  types: Type.Optional(listOf('event types, with commas between; those of the settings unless given')),
  identity: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  after: Type.Optional(sequence),
};
export const eventsQuery = closed({
  ...eventFilter,
  before: Type.Optional(sequence),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
});
export const streamQuery = closed(eventFilter);
export const linesQuery = closed({
  ...eventFilter,
  follow: Type.Optional(Type.Boolean({ description: 'true: goes on with what happens' })),
});
export const eventPage = Type.Object({
  events: Type.Array(ref('Event') as never, { description: 'newest first' }),
  mayLoadMore: Type.Boolean(),
});
export const eventStream = {
  description: 'Server-sent events: `id` is the sequence number, `event` the type, `data` the Event as JSON',
  content: { 'text/event-stream': { schema: Type.String() } },
};
export const eventLines = {
  description: 'Lines of JSON, an Event each, oldest first. Cut off before its end, the connection breaks',
  content: { 'application/x-ndjson': { schema: Type.String() } },
};
