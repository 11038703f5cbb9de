/** Asked of the reader: how many staged rows are known already, and where those devices stand. */
import type { DatabaseSync } from 'node:sqlite';
import type { DeviceStatus } from '../../domain/device.ts';
import { phases } from './codes.ts';

const names = Object.fromEntries(Object.entries(phases).map(([name, phase]) => [phase, name as DeviceStatus]));

export function createImportReview(db: DatabaseSync) {
  return {
    reviewImport(stage: string, connector: number, from: number, to: number, now: number) {
      db.prepare('ATTACH ? AS stage').run(stage);
      try {
        // CROSS JOIN: rows first, each looked up; SQLite would rather read all devices.
        const rows = db
          .prepare(`SELECT iif(d.phase <> ${phases.locked} AND d.expires <= ?, ${phases.expired}, d.phase) AS phase, count(*) AS n
            FROM stage.rows r CROSS JOIN devices d ON d.connector = ? AND d.identity = r.identity
            WHERE r.n BETWEEN ? AND ? GROUP BY 1`)
          .all(now, connector, from, to) as { phase: number; n: number }[];
        return rows.map(({ phase, n }) => ({ status: names[phase]!, n }));
      } finally {
        db.exec('DETACH stage');
      }
    },
  };
}
