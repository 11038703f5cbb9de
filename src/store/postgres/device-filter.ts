/** A filter of devices as conditions in SQL, on rows `d` of devices and `p` of presence. Pure. */
import { type DeviceStatus, ONLINE_WITHIN } from '../../domain/device.ts';
import type { DeviceFilter } from '../store.ts';
import type { Value } from './database.ts';

/** Takes a value and answers the place that stands for it. */
export type Place = (value: Value) => string;

export function conditionsOf(connector: number, filter: DeviceFilter, now: number, place: Place): string[] {
  const conditions = [`d.connector = ${place(connector)}`];
  if (filter.identity !== undefined && filter.identity !== '') conditions.push(...withText(filter.identity, place));
  if (filter.status !== undefined) conditions.push(withStatus(filter.status, () => place(now)));
  for (const { name, value } of filter.tags ?? []) {
    conditions.push(`EXISTS (SELECT 1 FROM device_tags t WHERE t.connector = ${place(connector)}
      AND t.name = ${place(name)} AND t.value = ${place(value)} AND t.device = d.key)`);
  }
  if (filter.batch !== undefined) {
    const batch = `SELECT key FROM batches WHERE connector = ${place(connector)} AND id = ${place(filter.batch)}`;
    conditions.push(`d.batch = (${batch})`);
  }
  // The connector once more: these indexes begin with it.
  const present = () => `p.connector = ${place(connector)}`;
  if (filter.ipaddress !== undefined) conditions.push(present(), `p.last_ip = ${place(filter.ipaddress)}`);
  const edge = now - ONLINE_WITHIN;
  if (filter.online === true) {
    conditions.push(
      present(),
      `p.activity >= ${place(edge)} AND p.last_seen >= ${place(edge)} AND p.last_seen > coalesce(p.left_at, 0)`,
    );
  }
  if (filter.online === false)
    conditions.push(`(p.last_seen IS NULL OR p.last_seen < ${place(edge)} OR p.last_seen <= p.left_at)`);
  if (filter.certificateExpiresBefore !== undefined) {
    const ending = certificatesEnding(place(connector), place(filter.certificateExpiresBefore));
    conditions.push(`d.key IN (SELECT c.device ${ending})`);
  }
  if (filter.before !== undefined) conditions.push(present(), `p.activity < ${place(filter.before)}`);
  return conditions;
}

/** Their index answers this alone. */
export const certificatesEnding = (connector: string, before: string): string =>
  `FROM credentials c WHERE c.connector = ${connector} AND c.slot = 0 AND c.ends < ${before} AND c.ends IS NOT NULL`;

/** The stored phase, and what time has done to it since the sweeper last came by. */
function withStatus(status: DeviceStatus, now: () => string): string {
  if (status === 'locked') return "d.phase = 'locked'";
  if (status !== 'expired') return `d.phase = '${status}' AND (d.expires IS NULL OR d.expires > ${now()})`;
  return `(d.phase = 'expired' OR (d.phase <> 'locked' AND d.expires <= ${now()}))`;
}

/** Text without `*` is looked for anywhere; with `*` the whole identity must fit. Compares exactly (case too). */
function withText(text: string, place: Place): string[] {
  const pieces = text.split('*');
  const pattern = pieces.map((piece) => piece.replace(/[\\%_]/g, '\\$&')).join('%');
  if (pieces.length === 1) return [`d.identity LIKE ${place(`%${pattern}%`)}`];
  const like = `d.identity LIKE ${place(pattern)}`;
  const head = pieces[0]!;
  if (head === '') return [like];
  // Bytes as in UTF-8: what begins so stands together in the index.
  return [`d.identity >= ${place(head)} AND d.identity < ${place(`${head}\u{10ffff}\u{10ffff}`)}`, like];
}
