/** Handlers of figures: how a connector stands now, and what happened in it over time. Which is counted where is the store's. */
import { handle } from './context.ts';
import { checkTime } from './device-input.ts';
import { findConnector } from './lookup.ts';
import { connectorParams } from './schema/common.ts';
import { figuresAnswer, figuresQuery, standing } from './schema/figures.ts';
import { schemaError } from './validation.ts';

const SECOND = 1_000_000;
const DAY = 86_400;
/** Buckets of an answer: the most that may be asked for, and that there are unless a width is asked for. */
const BUCKETS_MAX = 2_000;
const BUCKETS = 500;
/** Widths that people are used to, in seconds; beyond them, whole days. */
const widths = [60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, DAY];

export const getStanding = handle(
  { params: connectorParams, response: { 200: standing } },
  async ({ deps: { store }, params: { connector }, now }) => {
    await findConnector(store, connector);
    const [byStatus, online, newest] = await Promise.all([
      store.countByStatus(connector, now),
      store.countDevices(connector, { online: true }, now),
      store.listDevices(connector, {}, { sort: '-activity', limit: 1 }, now),
    ]);
    const { whitelisted, provisioned, expired, locked, reprovision } = byStatus;
    const total = whitelisted + provisioned + expired + locked + reprovision;
    const [latest] = newest.devices;
    return {
      devices: { total, whitelisted, provisioned, expired, locked, reprovision },
      online,
      last_activity: latest === undefined ? null : (latest.lastSeen ?? latest.created),
    };
  },
);

/** The last 24 hours unless told otherwise. SCHEMA for too many buckets. */
export const getFigures = handle(
  { params: connectorParams, querystring: figuresQuery, response: { 200: figuresAnswer } },
  async ({ deps, params, query, now }) => {
    checkTime(query.from, 'from');
    checkTime(query.to, 'to');
    await findConnector(deps.store, params.connector);
    const { to = now } = query;
    const { from = Math.max(0, to - DAY * SECOND) } = query;
    if (from > to) throw schemaError([{ path: 'from', seen: String(from), expected: `a time before ${to}` }]);
    const bucket = query.bucket ?? usualWidth(from, to);
    const count = bucketsIn(from, to, bucket);
    if (count > BUCKETS_MAX) {
      const least = Math.ceil((to - from) / SECOND / 60 / (BUCKETS_MAX - 1)) * 60;
      const expected = `at least ${least}, for at most ${BUCKETS_MAX} buckets`;
      throw schemaError([{ path: 'bucket', seen: `${bucket}, which makes ${count} buckets`, expected }]);
    }
    const series = await deps.store.readFigures(params.connector, { from, to, bucket: bucket * SECOND });
    return { bucket, ...series };
  },
);

function usualWidth(from: number, to: number): number {
  const found = widths.find((width) => bucketsIn(from, to, width) <= BUCKETS);
  return found ?? Math.ceil((to - from) / (DAY * SECOND) / (BUCKETS - 1)) * DAY;
}

/** Buckets that begin at multiples of their width, from the one with `from` to the one with `to`. */
function bucketsIn(from: number, to: number, bucket: number): number {
  const width = bucket * SECOND;
  return Math.floor(to / width) - Math.floor(from / width) + 1;
}
