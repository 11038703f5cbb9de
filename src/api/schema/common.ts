/** Schemas that several calls share. They check the requests and make the OpenAPI document; nothing else describes the API. */
import { type Static, type TProperties, type TSchema, Type } from 'typebox';

/** An object that refuses, and names, every field it does not list. */
export const closed = <P extends TProperties>(properties: P, options: Record<string, unknown> = {}) =>
  Type.Object(properties, { additionalProperties: false, ...options });

/** An object with keys of any kind, each with a value that fits. (A TypeBox Record would let keys with line breaks pass.) */
export const mapOf = <V extends TSchema>(value: V, options: Record<string, unknown> = {}) =>
  Type.Unsafe<Record<string, Static<V>>>({ type: 'object', additionalProperties: value, ...options });

/** Points to a shared schema of the document (`#/components/schemas/<name>`). */
export const ref = (name: string) => ({ $ref: `${name}#` });

/** A time in µs since the epoch. */
export const time = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'µs since the epoch' });
export const timeOrNull = Type.Union([Type.Integer(), Type.Null()], { description: 'µs since the epoch' });
export const textOrNull = Type.Union([Type.String(), Type.Null()]);
export const sequence = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'sequence number' });

/** A query parameter that may be repeated, or hold several values with commas between. */
export const listOf = (description: string) => Type.Array(Type.String(), { description, maxItems: 100 });

export const empty = { description: 'Done; nothing to say', type: 'null' };

export const connectorParams = closed({
  connector: Type.String({ description: 'id of the connector', maxLength: 64 }),
});
export const identityParams = closed({
  connector: Type.String({ description: 'id of the connector', maxLength: 64 }),
  identity: Type.String({ description: 'identity of the device, percent-encoded' }),
});
export const tagParams = closed({
  connector: Type.String({ description: 'id of the connector', maxLength: 64 }),
  identity: Type.String({ description: 'identity of the device, percent-encoded' }),
  name: Type.String({ description: 'name of the tag, percent-encoded' }),
});

/** Tag name → its values. Which names and values there may be is for the domain to say. */
export const tags = mapOf(Type.Array(Type.String(), { maxItems: 100 }), {
  description: 'tag name → its values',
});

/** What every refusal and failure answers. */
export const errorAnswer = Type.Object(
  {
    statusCode: Type.Integer(),
    error: Type.String({ description: 'name of the status' }),
    code: Type.String({ description: 'name in the catalogue of errors' }),
    message: Type.String({ description: 'what was wrong, what was seen, what was expected' }),
    details: Type.Optional(
      Type.Unknown({ description: 'for a request that does not fit: a list of {path, seen, expected}' }),
    ),
    rows: Type.Optional(Type.Array(Type.Unknown(), { description: 'for an import: the bad rows' })),
  },
  { $id: 'Error' },
);
