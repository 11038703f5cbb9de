/** What both engines make of events on their way into the log: payloads, their size, what they signal. Pure. */
import type { EventType } from '../domain/connector.ts';
import type { DataPayload, NewEvent } from '../domain/device.ts';
import type { DataEntry, DeviceRef, Signal } from './store.ts';

/** Bytes that an entry takes in memory and on disk, roughly. */
export function sizeOfData({ points, undefinedPoints }: Pick<DataEntry, 'points' | 'undefinedPoints'>): number {
  let size = 200;
  for (const list of [points, undefinedPoints]) {
    for (const { values } of list) for (const alias in values) size += alias.length + 2 * values[alias]!.length;
  }
  return size;
}

/** What an event that carries no values counts as, beside long text in its payload. */
const EVENT_BYTES = 512;

/** Bytes that an event without values takes, roughly. A message of a device may be large; it is text in its payload. */
export function sizeOfEvent({ payload }: Pick<NewEvent, 'payload'>): number {
  if (typeof payload !== 'object' || payload === null) return EVENT_BYTES;
  let size = EVENT_BYTES;
  for (const value of Object.values(payload)) if (typeof value === 'string') size += 2 * value.length;
  return size;
}

/** management-api.md, Events: `[{timestamp, values:{…}, undefined?:[…]}]`; values of one moment stand together. */
export function dataPayload({ points, undefinedPoints }: DataEntry): DataPayload {
  if (undefinedPoints.length === 0) return points as DataPayload;
  const byTime = new Map<number, { timestamp: number; values: Record<string, string>; undefined?: string[] }>();
  const at = (timestamp: number) => {
    const known = byTime.get(timestamp);
    if (known !== undefined) return known;
    const element = { timestamp, values: Object.create(null) as Record<string, string> };
    byTime.set(timestamp, element);
    return element;
  };
  for (const { timestamp, values } of points) Object.assign(at(timestamp).values, values);
  for (const { timestamp, values } of undefinedPoints) {
    const element: { values: Record<string, string>; undefined?: string[] } = at(timestamp);
    Object.assign(element.values, values);
    element.undefined = [...(element.undefined ?? []), ...Object.keys(values)];
  }
  return [...byTime.values()];
}

/** Of a refusal, what it was refused by. */
export function ruleOf(type: EventType, payload: unknown): string | null {
  if (type !== 'refused') return null;
  const { rule } = (payload ?? {}) as { rule?: unknown };
  return typeof rule === 'string' ? rule : null;
}

/** Aliases of an entry, each once. */
export function aliasesOf({ points }: Pick<DataEntry, 'points'>): string[] {
  if (points.length === 1) return Object.keys(points[0]!.values);
  return [...new Set(points.flatMap(({ values }) => Object.keys(values)))];
}

/** Tells of the live connections that begin with these events of the device. */
export function connectionSignals(ref: DeviceRef, events: readonly NewEvent[]): Signal[] {
  return events
    .filter(({ type }) => type === 'connect')
    .map(({ origin }) => ({ kind: 'connection', ref, connection: origin?.connectionId ?? '' }));
}
