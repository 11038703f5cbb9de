/**
 * `GET /metrics`: figures for Prometheus. They tell how much there is of everything, and nothing of any device or person:
 * all labels come from tables of ours. Who may read them: whoever asks from an address of SLIPWAY_METRICS_ALLOW, this
 * machine unless set, and whoever is signed in.
 */
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { isAllowed } from '../domain/network.ts';
import { passwordsWaiting } from '../gateway/password.ts';
import { counter, type Family, gauge, histogram, render } from '../metrics/figure.ts';
import type { Store, StoreFigures } from '../store/store.ts';
import { admit } from './admit.ts';
import { type ApiDeps, type ApiState, type CountedDoor, handle } from './context.ts';

const response = {
  200: { description: 'Prometheus text format 0.0.4', content: { 'text/plain': { schema: Type.String() } } },
};

const forAll = { permission: 'viewer', demands: { installation: true } } as const;

/** SESSION_INVALID or SCOPE_FORBIDDEN for a stranger from an address that is not allowed. */
export const metrics = handle({ response }, async ({ deps, state, request, reply, now }) => {
  if (!mayRead(request, deps.config.metricsAllow)) await admit(deps.store, state, request, forAll, now);
  reply.type('text/plain; version=0.0.4; charset=utf-8');
  return render([
    gauge('slipway_info', 'Version of this server', [[{ version: deps.version }, 1]]),
    ...doorFigures([...(deps.doors ?? []), state.door]),
    ...(deps.figures?.() ?? []),
    ...storeFigures(deps.store.figures()),
    ...(await storedFigures(deps, now)),
    ...ownFigures(state),
  ]);
});

/** For how many days ahead it is told how many certificates of devices end. */
const ENDING_DAYS = [0, 7, 30, 90];
/** µs. */
const DAY = 86_400_000_000;
const ENDING_EVERY = 60_000_000;

/** What a proxy adds: then the address is the proxy's, whoever asks. */
const forwarding = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'];

function mayRead({ ip, headers }: FastifyRequest, allowed: readonly string[]): boolean {
  return isAllowed(allowed, ip) && forwarding.every((name) => headers[name] === undefined);
}

function doorFigures(doors: readonly CountedDoor[]): Family[] {
  return [
    counter(
      'slipway_requests_total',
      'Requests, and MQTT packets that get an answer, by what they were for and how they were answered',
      doors.flatMap(({ tally }) => tally.requests()),
    ),
    counter(
      'slipway_refusals_total',
      'What was refused or failed, by its code in the catalogue of errors',
      doors.flatMap(({ tally }) => tally.refusals()),
    ),
    gauge(
      'slipway_connections',
      'Open connections',
      doors.map(({ tally, connections }) => [{ door: tally.door }, connections()]),
    ),
  ];
}

function storeFigures({ commitSeconds, commitWrites, ...queued }: StoreFigures): Family[] {
  return [
    histogram('slipway_store_commit_duration_seconds', 'How long a commit took, flush included', commitSeconds),
    histogram('slipway_store_commit_writes', 'Writes that shared a commit', commitWrites),
    gauge('slipway_queue_length', 'What waits its turn', [
      [{ queue: 'writes' }, queued.queuedWrites],
      [{ queue: 'questions' }, queued.queuedQuestions],
      [{ queue: 'passwords' }, passwordsWaiting()],
    ]),
    gauge('slipway_queue_writes_bytes', 'Bytes of the writes that wait', queued.queuedBytes),
  ];
}

/** What has to be asked of storage. While that does not answer, the other figures are told all the same. */
async function storedFigures({ store }: ApiDeps, now: number): Promise<Family[]> {
  const [position, sizes, ending] = await Promise.allSettled([
    store.lastSeq(),
    store.sizes(),
    certificatesEnding(store, now),
  ]);
  const families: Family[] = [];
  if (ending.status === 'fulfilled') {
    families.push(
      gauge(
        'slipway_device_certificates_ending',
        'Devices whose certificate ends within so many days; 0: has ended',
        ending.value.map((n, at) => [{ within_days: String(ENDING_DAYS[at]) }, n]),
      ),
    );
  }
  if (position.status === 'fulfilled') {
    families.push(counter('slipway_log_events_total', 'Number of the last event of the log', position.value));
  }
  if (sizes.status === 'fulfilled') {
    const { database, wal } = sizes.value;
    families.push(gauge('slipway_store_database_bytes', 'Size of the database', database));
    if (wal !== null) families.push(gauge('slipway_store_wal_bytes', 'Size of its write-ahead log', wal));
  }
  return families;
}

/** Of a large fleet they may be many, and they change slowly: asked for once a minute, however many scrape. */
function certificatesEnding(store: Store, now: number): Promise<number[]> {
  const known = ending.get(store);
  if (known !== undefined && now - known.asked < ENDING_EVERY) return known.counts;
  const counts = store.countCertificatesEnding(ENDING_DAYS.map((days) => now + days * DAY));
  ending.set(store, { asked: now, counts });
  counts.catch(() => ending.delete(store));
  return counts;
}

const ending = new WeakMap<Store, { readonly asked: number; readonly counts: Promise<number[]> }>();

function ownFigures(state: ApiState): Family[] {
  const { user, system } = process.cpuUsage();
  return [
    gauge('slipway_event_streams', 'Open live logs', state.streams.size),
    counter('process_cpu_seconds_total', 'CPU time, user and system', (user + system) / 1e6),
    gauge('process_resident_memory_bytes', 'Resident memory', process.memoryUsage.rss()),
    gauge('process_start_time_seconds', 'Start, seconds since the epoch', Date.now() / 1000 - process.uptime()),
  ];
}
