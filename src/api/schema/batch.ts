/** Schemas of imports and batches (provisioning.md, Whitelisting in bulk). */
import { Type } from 'typebox';
import { closed, mapOf, ref } from './common.ts';

export const batchParams = closed({
  connector: Type.String({ description: 'id of the connector', maxLength: 64 }),
  batch: Type.String({ description: 'id of the batch', maxLength: 64 }),
});

export const batch = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    who: Type.String(),
    created: Type.Integer({ description: 'µs since the epoch' }),
    state: Type.Enum(['writing', 'done', 'undoing', 'undone']),
    count: Type.Integer({ description: 'devices that it brought in' }),
  },
  { $id: 'Batch' },
);
export const batchList = Type.Object({ batches: Type.Array(ref('Batch') as never) });

export const importQuery = closed({
  dry_run: Type.Optional(Type.Boolean({ description: 'only check' })),
  mode: Type.Optional(Type.Enum(['strict', 'skip'], { description: 'skip: write the good rows, report the rest' })),
  expire: Type.Optional(
    Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'end of the activation window, µs' }),
  ),
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'of the batch' })),
});

/** Only documents: the body is read as a stream, never as a whole. */
export const importBody = {
  content: {
    'multipart/form-data': {
      schema: Type.Object({
        identities: Type.String({ format: 'binary', description: 'the CSV file' }),
        expire: Type.Optional(Type.Integer({ description: 'as in the query' })),
      }),
    },
    'text/csv': {
      schema: Type.String({ description: 'header row, then ID, TLS Client Certificate, Tags in any order' }),
    },
  },
};

const badRow = Type.Object({
  line: Type.Integer(),
  column: Type.Union([Type.String(), Type.Null()]),
  value: Type.Union([Type.String(), Type.Null()]),
  reason: Type.String(),
  expected: Type.String(),
});
export const importAnswer = Type.Object({
  total: Type.Integer({ description: 'rows in the file' }),
  new: Type.Integer(),
  duplicates: Type.Integer({ description: 'rows that repeat an identity of the file; the first one counts' }),
  known: mapOf(Type.Integer(), { description: 'status → rows; known identities are left alone' }),
  bad: Type.Integer(),
  rows: Type.Array(badRow, { description: 'the bad rows, up to 1,000' }),
  repeated: Type.Array(Type.Object({ line: Type.Integer(), identity: Type.String(), first_line: Type.Integer() }), {
    description: 'the duplicates, up to 1,000',
  }),
  batch: Type.Union([ref('Batch') as never, Type.Null()], { description: 'null after a dry run' }),
});
