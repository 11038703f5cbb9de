/**
 * What a stretch of the log leaves behind outside of it, gathered as its events come: one row for all values of an alias that
 * fall into one span, however many there were. The events themselves need not be kept. Pure: knows no table.
 */
import type { EventType } from '../../domain/connector.ts';
import type { Point } from '../../domain/device.ts';
import { type Block, spanOf } from './blocks.ts';
import { FREQUENT_MAX, typeCode } from './codes.ts';
import { type Counts, createCounts } from './figures.ts';
import type { LoggedEvent } from './ledger.ts';

/** Where events of one identity and type stand in the log; identity '' stands for all, of a rare type. */
export interface IndexRow {
  readonly connector: number;
  readonly identity: string;
  readonly type: number;
  readonly seqs: number[];
}

/** Points of one alias of one device, by span. */
interface AliasTraces {
  readonly blocks: Map<number, Block>;
  /** The span written to last, which the next point mostly falls into too. */
  span: number;
  block: Block;
}

export interface DeviceTraces {
  readonly device: number;
  readonly connector: number;
  readonly identity: string | null;
  /** Aliases whose state changed; those with blocks have points. */
  readonly aliases: Map<string, AliasTraces>;
  readonly index: IndexRow[];
  /** Its events with values in order, where the cloud wants something of the device; else null. */
  readonly values: LoggedEvent[] | null;
}

/** Rows in the order in which they are written. */
export type TraceRow = IndexRow | DeviceTraces;
export const isOfDevice = (row: TraceRow): row is DeviceTraces => 'aliases' in row;

export interface Traces {
  /** `wants`: whether the cloud wants something of the device; asked once for each, and known once it set something. */
  add(event: LoggedEvent, wants: (device: number) => boolean): void;
  /** Reports of the device. */
  points(device: number): Point[];
  /** All rows, those of devices in the order of their keys as the tables are. */
  rows(): TraceRow[];
  readonly counts: Counts;
  readonly events: number;
  readonly bytes: number;
  /** Number of the last event; 0 before the first. */
  readonly last: number;
}

export function createTraces(): Traces {
  const devices = new Map<number, DeviceTraces & { values: LoggedEvent[] | null }>();
  const others = new Map<string, IndexRow>();
  const counts = createCounts();
  let events = 0;
  let bytes = 0;
  let last = 0;

  function ofDevice({ device, connector, identity }: LoggedEvent, wants: (device: number) => boolean) {
    let traces = devices.get(device!);
    if (traces === undefined) {
      const values = wants(device!) ? [] : null;
      traces = { device: device!, connector, identity, aliases: new Map(), index: [], values };
      devices.set(device!, traces);
    }
    return traces;
  }

  function indexOther(connector: number, identity: string, type: number, seq: number): void {
    const name = `${connector} ${type} ${identity}`;
    const row = others.get(name);
    if (row === undefined) others.set(name, { connector, identity, type, seqs: [seq] });
    else row.seqs.push(seq);
  }

  return {
    add(event, wants) {
      const { connector, device, identity, type, seq, points } = event;
      events += 1;
      bytes += event.bytes;
      last = seq;
      counts.add(event);
      const code = typeCode(type);
      if (code > FREQUENT_MAX) indexOther(connector, '', code, seq);
      if (device === null) {
        if (identity !== null) indexOther(connector, identity, code, seq);
        return;
      }
      const traces = ofDevice(event, wants);
      if (identity !== null) indexIn(traces.index, connector, identity, code, seq);
      if (points.length === 0) return;
      if (type === 'data_out') traces.values ??= [];
      traces.values?.push(event);
      for (const { timestamp, values } of points) {
        for (const alias in values) addValue(traces, type, timestamp, alias, values[alias]!);
      }
    },
    points(device) {
      const points: Point[] = [];
      for (const [alias, { blocks }] of devices.get(device)?.aliases ?? []) {
        for (const block of blocks.values()) {
          for (let at = 0; at < block.length; at += 2) {
            points.push({ timestamp: block[at] as number, values: { [alias]: block[at + 1] as string } });
          }
        }
      }
      return points;
    },
    rows() {
      const index = [...others.values()].sort(
        (a, b) => a.connector - b.connector || compare(a.identity, b.identity) || a.type - b.type,
      );
      return [...index, ...[...devices.values()].sort((a, b) => a.device - b.device)];
    },
    counts,
    get events() {
      return events;
    },
    get bytes() {
      return bytes;
    },
    get last() {
      return last;
    },
  };
}

/** A device has events of few types. */
function indexIn(rows: IndexRow[], connector: number, identity: string, type: number, seq: number): void {
  for (const row of rows) {
    if (row.type === type && row.identity === identity) {
      row.seqs.push(seq);
      return;
    }
  }
  rows.push({ connector, identity, type, seqs: [seq] });
}

function addValue({ aliases }: DeviceTraces, type: EventType, timestamp: number, alias: string, value: string): void {
  let traces = aliases.get(alias);
  if (traces === undefined) {
    traces = { blocks: new Map(), span: -1, block: [] };
    aliases.set(alias, traces);
  }
  if (type !== 'data_in') return;
  const span = spanOf(timestamp);
  if (span !== traces.span) {
    traces.span = span;
    traces.block = traces.blocks.get(span) ?? [];
    traces.blocks.set(span, traces.block);
  }
  traces.block.push(timestamp, value);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
