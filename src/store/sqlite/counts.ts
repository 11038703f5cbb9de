/** How many devices of each phase a connector has. Kept in memory, since counting a million rows takes longer than it may. */
import type { DatabaseSync } from 'node:sqlite';
import type { Phase } from './codes.ts';

export interface Counts {
  /** Moves `n` devices; `null` stands for "not there". Called once the change is committed. */
  move(connector: number, from: Phase | null, to: Phase | null, n?: number): void;
  get(connector: number, phase: Phase): number;
  total(connector: number): number;
}

const PHASES = 5;

export function createCounts(db: DatabaseSync): Counts {
  const known = new Map<number, number[]>();
  const of = (connector: number) => {
    let counts = known.get(connector);
    if (counts === undefined) {
      counts = new Array(PHASES).fill(0);
      known.set(connector, counts);
    }
    return counts;
  };
  const rows = db.prepare('SELECT connector, phase, count(*) AS n FROM devices GROUP BY connector, phase').all();
  for (const { connector, phase, n } of rows as unknown as { connector: number; phase: Phase; n: number }[]) {
    of(connector)[phase] = n;
  }
  return {
    move(connector, from, to, n = 1) {
      const counts = of(connector);
      if (from !== null) counts[from]! -= n;
      if (to !== null) counts[to]! += n;
    },
    get: (connector, phase) => known.get(connector)?.[phase] ?? 0,
    total: (connector) => known.get(connector)?.reduce((sum, n) => sum + n, 0) ?? 0,
  };
}
