/** What a PUBLISH means by its topic and payload (device-mqtt.md, the device publishes). Pure; knows no connection. */
import { isUtf8 } from 'node:buffer';
import { AppError, type ErrorCode } from '../../domain/errors.ts';
import { parseTimestamp } from '../../domain/record.ts';
import { POINTS_MAX, type RecordedPoint } from '../data.ts';

/** Bytes of a batch (device-mqtt.md). */
export const BATCH_MAX = 1_048_576;

export type Topic =
  | { readonly kind: 'write'; readonly alias: string }
  | { readonly kind: 'record'; readonly alias: string; readonly timestamp: number; readonly text: string }
  | { readonly kind: 'object' }
  | { readonly kind: 'batch' }
  | { readonly kind: 'provision'; readonly identity: string }
  | { readonly kind: 'message'; readonly topic: string }
  /** Understood, and refused whatever the payload is. */
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly seen: string; readonly wanted: string };

const RESOURCE = '$resource/';
const PROVISION = '$provision/';

/** The topics that begin with `$` and mean something. */
const wanted = '$resource/<alias>, $resource/<alias>/<timestamp>, $resource, $resource.batch, $provision/<identity>';

/**
 * What the topic says. TOPIC_INVALID for what no topic name may be: empty, or with a wildcard; such a PUBLISH ends the
 * connection. `raw` are the bytes of the topic.
 */
export function parseTopic(topic: string, raw: Buffer): Topic {
  // 3.1.1 [MQTT-1.5.3-1], 5.0 [MQTT-1.5.4-1]
  if (!isUtf8(raw)) throw new AppError('PACKET_MALFORMED', { seen: 'a topic that is no UTF-8' });
  // 3.1.1 [MQTT-1.5.3-2] [MQTT-4.7.3-2], 5.0 [MQTT-1.5.4-2] [MQTT-4.7.3-2]
  if (topic.includes('\0')) throw new AppError('PACKET_MALFORMED', { seen: 'a topic with U+0000' });
  // 3.1.1 [MQTT-4.7.3-1], 5.0 [MQTT-4.7.3-1]
  if (topic === '') throw new AppError('TOPIC_INVALID', { seen: 'an empty topic' });
  // 3.1.1 [MQTT-3.3.2-2] [MQTT-4.7.1-1], 5.0 [MQTT-3.3.2-2] [MQTT-4.7.0-1]
  if (/[#+]/.test(topic)) throw new AppError('TOPIC_INVALID', { seen: topic, wanted: 'a topic without + and #' });
  // As it stands, mark and all: 3.1.1 [MQTT-1.5.3-3] [MQTT-4.7.3-4], 5.0 [MQTT-1.5.4-3] [MQTT-4.7.3-4]
  if (!topic.startsWith('$')) return { kind: 'message', topic };
  if (topic === '$resource' || topic === RESOURCE) return { kind: 'object' };
  if (topic === '$resource.batch') return { kind: 'batch' };
  if (topic.startsWith(RESOURCE)) return resource(topic.slice(RESOURCE.length));
  if (topic.startsWith(PROVISION)) return provision(topic.slice(PROVISION.length));
  return { kind: 'refused', code: 'PATH_UNKNOWN', seen: topic, wanted };
}

function resource(rest: string): Topic {
  const [alias, text, ...more] = rest.split('/') as [string, string | undefined, ...string[]];
  if (text === undefined) return { kind: 'write', alias };
  if (more.length > 0) return { kind: 'refused', code: 'PATH_UNKNOWN', seen: RESOURCE + rest, wanted };
  const timestamp = parseTimestamp(text);
  if (timestamp !== null) return { kind: 'record', alias, timestamp, text };
  return { kind: 'refused', code: 'TIMESTAMP_INVALID', seen: text, wanted: 'seconds, milliseconds or microseconds' };
}

/** An identity is never guessed at: each `%` must begin a byte, and the bytes must be UTF-8. */
function provision(encoded: string): Topic {
  if (encoded === '') return { kind: 'refused', code: 'ID_MISSING', seen: 'none', wanted: '$provision/<identity>' };
  try {
    return { kind: 'provision', identity: decodeURIComponent(encoded) };
  } catch {
    const wanted = '%XX for each byte that is encoded, %25 for %';
    return { kind: 'refused', code: 'IDENTITY_ENCODING', seen: encoded, wanted };
  }
}

/** A payload as text; a byte order mark is part of it. BODY_INVALID where it is no UTF-8. */
export function readText(bytes: Buffer, from: number, end: number): string {
  const text = bytes.toString('utf8', from, end);
  // What is no UTF-8 is decoded to U+FFFD; most text has none, and then nothing has to be looked at twice.
  if (text.includes('\ufffd') && !isUtf8(bytes.subarray(from, end))) {
    throw new AppError('BODY_INVALID', { seen: 'bytes that are no UTF-8' });
  }
  return text;
}

/** What a message of the device carries, as its event shows it: text, or bytes in base64 with `encoding`. */
export function readMessage(bytes: Buffer, from: number, end: number): { payload: string; encoding?: 'base64' } {
  const payload = bytes.subarray(from, end);
  return isUtf8(payload)
    ? { payload: payload.toString('utf8') }
    : { payload: payload.toString('base64'), encoding: 'base64' };
}

/** `{"<alias>": value, …}` → pairs, values as text. BODY_INVALID. */
export function readObject(text: string): [alias: string, value: string][] {
  const object = expectObject(parseJson(text), 'a JSON object of values by alias');
  const pairs = Object.entries(object).map(([alias, value]): [string, string] => [alias, textOf(value)]);
  if (pairs.length === 0) throw new AppError('BODY_INVALID', { seen: '{}', wanted: 'at least one value' });
  return pairs;
}

/** `[{"timestamp": …, "values": {…}}, …]` → points. BODY_INVALID, BODY_TOO_LARGE, TIMESTAMP_INVALID. */
export function readBatch(text: string): RecordedPoint[] {
  const wanted = 'a JSON array of {"timestamp", "values"}';
  const batch = parseJson(text);
  if (!Array.isArray(batch)) throw new AppError('BODY_INVALID', { seen: typeof batch, wanted });
  const points: RecordedPoint[] = [];
  for (const element of batch) {
    const { timestamp: given, values } = expectObject(element, wanted);
    const text = given === undefined ? 'none' : textOf(given);
    const timestamp = parseTimestamp(text);
    if (timestamp === null) throw new AppError('BODY_INVALID', { seen: `timestamp ${text}`, wanted: 's, ms or µs' });
    for (const [alias, value] of Object.entries(expectObject(values, wanted))) {
      points.push({ alias, timestamp, text, value: textOf(value) });
    }
    if (points.length > POINTS_MAX) {
      throw new AppError('BODY_TOO_LARGE', { seen: `${points.length} points`, wanted: `at most ${POINTS_MAX}` });
    }
  }
  if (points.length === 0) throw new AppError('BODY_INVALID', { seen: 'no points', wanted });
  return points;
}

/** Numbers stay as they were written: 1.50 is not 1.5, and large ones keep their digits. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, keepNumber);
  } catch (cause) {
    // Also where it is nested more deeply than can be followed.
    throw new AppError('BODY_INVALID', {
      seen: text === '' ? 'nothing' : 'text that is no JSON',
      wanted: 'JSON',
      cause,
    });
  }
}

const { rawJSON } = JSON as unknown as { rawJSON(text: string): object };

function keepNumber(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' && context?.source !== undefined ? rawJSON(context.source) : value;
}

/** device-mqtt.md: a JSON value that is no string is stored as its JSON text. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new AppError('BODY_INVALID', { seen: 'JSON that is nested too deeply', cause });
  }
}

function expectObject(value: unknown, wanted: string): Record<string, unknown> {
  const is = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (is && !isRaw(value)) return value as Record<string, unknown>;
  throw new AppError('BODY_INVALID', { seen: value === undefined ? 'nothing' : textOf(value), wanted });
}

const { isRawJSON: isRaw } = JSON as unknown as { isRawJSON(value: unknown): boolean };
