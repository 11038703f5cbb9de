/**
 * Signals on their way to other nodes: the text that stands in a row of `commits`. Signals of many devices that reported the
 * same aliases, as a fleet does, share them. Pure.
 */
import type { Signal } from '../store.ts';

type Named = readonly [key: number, identity: string];

/** The names are on their way between versions: never change one, only add. */
interface Packed {
  /** Connectors that changed. */
  c?: string[];
  /** Devices: of which connector, and which. */
  d?: [connector: string, ...devices: Named[]][];
  /** The same, set by the cloud. */
  o?: [connector: string, aliases: readonly string[], ...devices: Named[]][];
  /** Values that devices reported: of which connector, which aliases, which devices. */
  v?: [connector: string, aliases: readonly string[], ...devices: Named[]][];
  /** Live connections that began: of which connector, which devices. */
  k?: [connector: string, ...begun: [...Named, connection: string][]][];
  /** Connectors whose log grew. */
  e?: string[];
  /** Accounts and keys whose sessions ended. */
  a?: string[];
  /** Connectors with webhooks or jobs to look at. */
  w?: string[];
}

/** Empty if there are none. */
export function packSignals(signals: readonly Signal[]): string {
  if (signals.length === 0) return '';
  const packed = {
    c: [] as string[],
    d: [] as unknown[][],
    k: [] as unknown[][],
    v: [] as unknown[][],
    o: [] as unknown[][],
    e: [] as string[],
    a: [] as string[],
    w: [] as string[],
  };
  const groups = new Map<string, unknown[]>();
  for (const signal of signals) {
    if (signal.kind === 'connector') packed.c.push(signal.connector);
    else if (signal.kind === 'events') packed.e.push(signal.connector);
    else if (signal.kind === 'account') packed.a.push(signal.account);
    else if (signal.kind === 'work') packed.w.push(signal.connector);
    else {
      const { connector, key, identity } = signal.ref;
      const aliases = signal.kind === 'values' ? [signal.aliases] : [];
      const list = listOf(signal);
      const group = groups.getOrInsertComputed(JSON.stringify([list, connector, ...aliases]), () => {
        const begun = [connector, ...aliases];
        packed[list].push(begun);
        return begun;
      });
      group.push(signal.kind === 'connection' ? [key, identity, signal.connection] : ([key, identity] satisfies Named));
    }
  }
  return JSON.stringify(Object.fromEntries(Object.entries(packed).filter(([, list]) => list.length > 0)));
}

function listOf(signal: Exclude<Signal, { connector: string }>): 'd' | 'k' | 'v' | 'o' {
  if (signal.kind === 'values') return signal.by === 'device' ? 'v' : 'o';
  return signal.kind === 'device' ? 'd' : 'k';
}

export function unpackSignals(text: string): Signal[] {
  const { c = [], d = [], k = [], v = [], o = [], e = [], a = [], w = [] } = JSON.parse(text) as Packed;
  const signals: Signal[] = c.map((connector) => ({ kind: 'connector', connector }));
  for (const [connector, ...devices] of d) {
    for (const [key, identity] of devices) signals.push({ kind: 'device', ref: { connector, identity, key } });
  }
  for (const [connector, ...begun] of k) {
    for (const [key, identity, connection] of begun) {
      signals.push({ kind: 'connection', ref: { connector, identity, key }, connection });
    }
  }
  for (const [list, by] of [
    [v, 'device'],
    [o, 'cloud'],
  ] as const) {
    for (const [connector, aliases, ...devices] of list) {
      for (const [key, identity] of devices) {
        signals.push({ kind: 'values', ref: { connector, identity, key }, aliases, by });
      }
    }
  }
  for (const connector of e) signals.push({ kind: 'events', connector });
  for (const account of a) signals.push({ kind: 'account', account });
  for (const connector of w) signals.push({ kind: 'work', connector });
  return signals;
}
