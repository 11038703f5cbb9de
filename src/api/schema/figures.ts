/** Schemas of figures: how a connector stands, and what happened in it over time. */
import { Type } from 'typebox';
import { closed, mapOf, time, timeOrNull } from './common.ts';

const count = Type.Integer({ minimum: 0 });

export const standing = Type.Object({
  devices: Type.Object(
    {
      total: count,
      whitelisted: count,
      provisioned: count,
      expired: count,
      locked: count,
      reprovision: count,
    },
    { description: 'by status, which add up to the total' },
  ),
  online: count,
  last_activity: timeOrNull,
});

export const figuresQuery = closed({
  from: Type.Optional(time),
  to: Type.Optional(time),
  bucket: Type.Optional(
    Type.Integer({
      minimum: 60,
      maximum: 31_536_000,
      multipleOf: 60,
      description: 'seconds, a multiple of 60; unless given, so many that there are at most 500 buckets',
    }),
  ),
});
export const figuresAnswer = Type.Object(
  {
    bucket: Type.Integer({ description: 'width of a bucket, seconds' }),
    times: Type.Array(Type.Integer(), { description: 'start of each bucket, µs since the epoch, ascending' }),
    writes: Type.Array(count, { description: 'data_in events' }),
    provisioned: Type.Array(count, { description: 'provisioned events' }),
    online: Type.Array(Type.Union([count, Type.Null()]), {
      description: 'most devices online at a time; null where no sample was taken',
    }),
    refused: mapOf(Type.Array(count), { description: 'rule → refused events; rules that refused somebody' }),
  },
  { description: 'columns of one length: an entry for each bucket' },
);
