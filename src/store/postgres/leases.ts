/** Who works on what, among the nodes of an installation. By the clock of the database, so that theirs may differ. */
import { type Database, sql, statement } from './database.ts';

const claim = statement(
  'lease',
  `INSERT INTO leases VALUES ($1, $2, now() + make_interval(secs => $3))
   ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
     WHERE leases.holder = excluded.holder OR leases.until < now()
   RETURNING 1 AS held`,
);

export function createLeases(db: Database, node: string) {
  return {
    claim: async (name: string, seconds: number): Promise<boolean> =>
      (await db.read(claim, [name, node, seconds])).length > 0,
    /** Lets go of everything. */
    release: () => db.run(sql`DELETE FROM leases WHERE holder = ${node}`),
  };
}
