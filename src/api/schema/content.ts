/** Schemas of files for devices and of their rollouts (management-api.md, Content). */
import { Type } from 'typebox';
import { contentLimits } from '../../domain/content.ts';
import { rolloutLimits } from '../../domain/rollout.ts';
import { closed, textOrNull, time, timeOrNull } from './common.ts';

const offer = Type.String({
  minLength: 1,
  maxLength: 1024,
  description: '`all`, `none`, `tag:<name>:<value>` or `batch:<id>`',
});
const meta = Type.String({ maxLength: contentLimits.meta, description: 'whatever devices are to know of it' });

export const contentParams = closed({
  connector: Type.String({ description: 'id of the connector', maxLength: 64 }),
  content: Type.String({ description: 'id of the file, percent-encoded' }),
});
export const contentQuery = closed({
  after: Type.Optional(Type.String({ description: 'ids behind this one' })),
  by: Type.Optional(Type.Enum(['people', 'devices'], { description: 'who sent it' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
});
export const putQuery = closed({ meta: Type.Optional(meta), offer: Type.Optional(offer) });
export const contentPatch = closed(
  {
    type: Type.Optional(Type.String({ maxLength: contentLimits.type })),
    meta: Type.Optional(meta),
    offer: Type.Optional(offer),
  },
  { minProperties: 1 },
);
export const fetchesQuery = closed({
  before: Type.Optional(time),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
});

const rollout = Type.Object({
  state: Type.Enum(['running', 'held', 'done']),
  steps: Type.Array(Type.Number(), { description: 'percentages' }),
  step: Type.Integer({ description: 'index of the present one' }),
  percent: Type.Number({ description: 'of the devices that it is for may have it now; 0 while it is held' }),
  every: Type.Union([Type.Number(), Type.Null()], { description: 'seconds between two steps; null: by hand' }),
  next: timeOrNull,
  watch: Type.Union([
    Type.Object({
      resource: Type.String(),
      failure: Type.Array(Type.String()),
      success: Type.Array(Type.String()),
      share: Type.Number(),
      at_least: Type.Integer(),
    }),
    Type.Null(),
  ]),
  started: Type.Integer({ description: 'µs since the epoch' }),
  stepped: Type.Integer({ description: 'when the present step began' }),
  reason: textOrNull,
});

const described = {
  id: Type.String(),
  type: Type.String(),
  bytes: Type.Integer(),
  sha256: Type.String({ description: 'hex' }),
  updated: Type.Integer({ description: 'when its bytes last changed, µs since the epoch' }),
  meta: Type.String(),
  created: Type.Integer({ description: 'µs since the epoch' }),
  who: Type.Union([Type.String(), Type.Null()], { description: 'the account that sent it' }),
  device: Type.Union([Type.String(), Type.Null()], { description: 'the identity that sent it' }),
  offer,
  rollout: Type.Union([rollout, Type.Null()]),
};
export const content = Type.Object(described, { $id: 'Content' });
export const contentPage = Type.Object({
  content: Type.Array(Type.Unsafe<unknown>({ $ref: 'Content#' })),
  mayLoadMore: Type.Boolean(),
});
export const contentInfo = Type.Object({
  ...described,
  figures: Type.Object({
    devices: Type.Integer({ description: 'devices that it is for' }),
    chosen: Type.Integer({ description: 'how many of them may have it now; in a rollout about so many' }),
    taken: Type.Integer({ description: 'devices that began to fetch this version' }),
    completed: Type.Integer({ description: 'that have fetched all of it' }),
    failed: Type.Integer({ description: 'that report failure since' }),
    succeeded: Type.Integer({ description: 'that report success since' }),
  }),
});
export const fetchPage = Type.Object({
  fetches: Type.Array(
    Type.Object({
      identity: Type.String(),
      current: Type.Boolean({ description: 'it is the present version' }),
      sha256: Type.String({ description: 'of the version that it fetched' }),
      first: Type.Integer({ description: 'µs since the epoch' }),
      last: Type.Integer({ description: 'µs since the epoch' }),
      times: Type.Integer({ description: 'how often it was begun' }),
      completed: timeOrNull,
    }),
  ),
  mayLoadMore: Type.Boolean(),
});

const value = Type.Union([Type.String({ maxLength: rolloutLimits.valueLength }), Type.Number(), Type.Boolean()]);
export const rolloutBody = closed({
  steps: Type.Optional(
    Type.Array(Type.Number({ exclusiveMinimum: 0, maximum: 100 }), {
      minItems: 1,
      maxItems: rolloutLimits.steps,
      description: 'growing percentages, the last of them 100; 1, 10, 100 unless given',
    }),
  ),
  every: Type.Optional(
    Type.Union([Type.Integer({ minimum: 1, maximum: rolloutLimits.everySeconds }), Type.Null()], {
      description: 'seconds between two steps; by hand unless given',
    }),
  ),
  watch: Type.Optional(
    closed({
      resource: Type.String({ minLength: 1, maxLength: 128, description: 'alias of what the devices report' }),
      failure: Type.Array(value, { minItems: 1, maxItems: rolloutLimits.values }),
      success: Type.Optional(Type.Array(value, { maxItems: rolloutLimits.values })),
      share: Type.Number({
        minimum: 0,
        maximum: 1,
        description: 'held when more of those that took it report failure',
      }),
      at_least: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'and at least so many; 1' })),
    }),
  ),
});
export const rolloutAction = closed({
  action: Type.Enum(['advance', 'hold', 'resume']),
  step: Type.Optional(
    Type.Integer({ minimum: 0, maximum: rolloutLimits.steps, description: 'only while it is at this step' }),
  ),
});

const binary = Type.String({ format: 'binary' });
/** Only document: bodies are read as streams. */
export const contentBody = { content: { 'application/octet-stream': { schema: binary } } };
export const contentForm = {
  content: {
    'multipart/form-data': {
      schema: Type.Object({
        file: binary,
        id: Type.Optional(Type.String()),
        type: Type.Optional(Type.String()),
        meta: Type.Optional(Type.String()),
        offer: Type.Optional(Type.String()),
      }),
    },
  },
};
export const contentBytes = { description: 'The file', ...contentBody };
