/** Schemas of what is done to many devices at once, and of the jobs that do it. */
import { Type } from 'typebox';
import { closed, mapOf, ref, tags, timeOrNull } from './common.ts';
import { expireOrNull, filter } from './device.ts';

export const jobParams = closed({
  connector: Type.String({ description: 'id of the connector', maxLength: 64 }),
  job: Type.String({ description: 'id of the job', maxLength: 64 }),
});

/** Devices that may be named in one request. */
const IDENTITIES_MAX = 10_000;

const actions = ['lock', 'unlock', 'tag', 'untag', 'reprovision', 'expire', 'delete'] as const;

export const updateBody = closed({
  action: Type.Enum([...actions]),
  filter: Type.Optional(closed(filter, { description: 'as lists take it; either this or identities' })),
  identities: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { minItems: 1, maxItems: IDENTITIES_MAX }),
  ),
  expect: Type.Optional(
    Type.Integer({
      minimum: 0,
      description: 'how many devices fit the filter; if it is another number, nothing is done',
    }),
  ),
  tags: Type.Optional(tags),
  names: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
      minItems: 1,
      maxItems: 64,
      description: 'tags to take away',
    }),
  ),
  expire: Type.Optional(expireOrNull),
  unprovisioned: Type.Optional(Type.Boolean({ description: 'devices that have a credential stay as they are' })),
});

const count = (description: string) => Type.Integer({ minimum: 0, description });

export const job = Type.Object(
  {
    id: Type.String(),
    action: Type.Object({
      type: Type.Enum([...actions]),
      tags: Type.Optional(mapOf(Type.Array(Type.String()))),
      names: Type.Optional(Type.Array(Type.String())),
      expire: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
      unprovisioned: Type.Optional(Type.Boolean()),
    }),
    who: Type.String(),
    created: Type.Integer({ description: 'µs since the epoch' }),
    state: Type.Enum(['running', 'done', 'cancelled', 'undoing', 'undone']),
    total: count('devices that fitted when it began'),
    changed: count('devices that it changed'),
    same: count('devices that were so already'),
    refused: count('devices for which the rules forbid it'),
    refusals: Type.Array(Type.Object({ identity: Type.String(), code: Type.String(), message: Type.String() }), {
      description: 'the first 20 of them',
    }),
    restored: count('undoing: devices that are as they were before'),
    left: count('undoing: devices that somebody has changed since, or that are gone'),
    finished: timeOrNull,
    undoable: Type.Boolean(),
  },
  { $id: 'Job' },
);
export const jobList = Type.Object({
  jobs: Type.Array(ref('Job') as never, { description: 'the last 100, newest first' }),
});
