/**
 * Which blobs are being read on this node: a blob that no file has any more stays until its readers, on whichever node, are through
 * with it. Noted as leases, so that those of a node that is gone end by themselves.
 */
import { type Database, statement } from './database.ts';
import { texts } from './text.ts';

/** Seconds that a note is good for, and ms after which it is made anew. */
const GOOD_FOR = 120;
const RENEW = 30_000;

const lend = statement(
  'loans',
  `INSERT INTO leases SELECT name, $2, now() + make_interval(secs => ${GOOD_FOR}) FROM unnest($1::text[]) AS name
   ON CONFLICT (name) DO UPDATE SET until = excluded.until`,
);
const giveBack = statement('loan-back', 'DELETE FROM leases WHERE name = $1');
/** Of nodes that are gone. */
const forget = statement('loans-forget', "DELETE FROM leases WHERE starts_with(name, 'blob ') AND until < now()");

/** As SQL: nobody reads the blob of this key. */
export const notLent = (key: string): string =>
  `NOT EXISTS (SELECT 1 FROM leases l WHERE starts_with(l.name, 'blob ' || ${key} || ' ') AND l.until > now())`;

export function createLoans(db: Database, node: string) {
  /** How many read each blob. */
  const readers = new Map<number, number>();
  let timer: NodeJS.Timeout | undefined;
  const nameOf = (blob: number) => `blob ${blob} ${node}`;
  // What fails is tried again, or ends by itself.
  const renew = () => void db.read(lend, [texts([...readers.keys()].map(nameOf)), node]).catch(() => {});

  return {
    /** Keeps the blob until `giveBack`. */
    async lend(blob: number): Promise<void> {
      const count = readers.get(blob) ?? 0;
      readers.set(blob, count + 1);
      timer ??= setInterval(renew, RENEW).unref();
      if (count === 0) await db.read(lend, [texts([nameOf(blob)]), node]);
    },
    async giveBack(blob: number): Promise<void> {
      const count = (readers.get(blob) ?? 1) - 1;
      if (count > 0) {
        readers.set(blob, count);
        return;
      }
      readers.delete(blob);
      if (readers.size === 0) {
        clearInterval(timer);
        timer = undefined;
      }
      await db.read(giveBack, [nameOf(blob)]).catch(() => {});
    },
    forget: () => db.read(forget),
  };
}
