/** Lists, searches and counts over a large fleet, one after the other, as an operator's console asks them. */
import { Agent } from 'node:http';
import { keptFleet } from '../fleet.ts';
import { identityOf } from '../identities.ts';
import { percentile } from '../measure.ts';
import { timed } from '../question.ts';
import type { Row } from '../result.ts';
import type { Slipway } from '../slipway.ts';

/** ms at the 99th percentile that every list, search and count has to keep to. */
const LIMIT = 50;
const REQUESTS = 200;
/** s after which no more of a kind are asked, once there are a few. */
const KIND_SECONDS = 2;
const REQUESTS_MIN = 10;
/** s that the way to pages deep inside may take. */
const PAGING_SECONDS = 8;

/** What is asked the n-th time: path and query below the connector. */
type Ask = (n: number) => string;

interface Page {
  readonly cursor: string | null;
}

export const lists: Row = async (options) => {
  const { server, rows } = await keptFleet(options.rows, options.nodeFlags);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    const cursors = await cursorsInside(server);
    options.say(`  paged ${cursors.length * 1_000} devices deep`);
    const kinds = kindsOf(rows, cursors);
    const all: number[] = [];
    const slow: string[] = [];
    const figures: Record<string, string> = {};
    for (const [kind, ask] of Object.entries(kinds)) {
      const times = await timesOf(server, agent, ask);
      all.push(...times);
      const [p50, p99, max] = [percentile(times, 0.5), percentile(times, 0.99), Math.max(...times)];
      if (p99 > LIMIT) slow.push(kind);
      figures[kind] =
        `p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, max ${max.toFixed(1)} ms, ${times.length} requests`;
      options.say(`  ${p99 > LIMIT ? 'OVER' : '    '} ${kind.padEnd(34)} ${figures[kind]}`);
    }
    return { lists: summary(all, slow, figures, rows) };
  } finally {
    agent.destroy();
  }
};

function summary(all: readonly number[], slow: readonly string[], figures: Record<string, string>, rows: number) {
  const p99 = percentile(all, 0.99);
  return {
    ours: p99,
    reference: LIMIT,
    ratio: LIMIT / p99,
    unit: 'ms p99',
    goal: 1,
    cpu_ms_per_1000: null,
    reference_cpu_ms_per_1000: null,
    load_share: null,
    rounds: 1,
    rows,
    p50_ms: percentile(all, 0.5),
    max_ms: Math.max(...all),
    over_the_limit: slow,
    kinds: figures,
  };
}

/** Texts to search for, each time another one. Identities are numbers from 0 to `rows`, with zeros in front. */
function kindsOf(rows: number, cursors: readonly string[]): Record<string, Ask> {
  const some = (n: number) => identityOf((n * 7_919) % rows);
  const end = (length: number) => (n: number) => some(n).slice(-length);
  // No identity holds a letter.
  const missing = (length: number) => (n: number) => String.fromCharCode(97 + (n % 26)).repeat(length);
  const identity = (text: (n: number) => string, path = '/identity/'): Ask => {
    return (n) => `${path}?identity=${encodeURIComponent(text(n))}`;
  };
  const count = '/identities/count';
  const group = (n: number) => `g${Math.floor(((n * 7_919) % rows) / 100)}`;
  return {
    'first page': () => '/identity/',
    'first page of 1,000': () => '/identity/?limit=1000',
    'first page by identity': () => '/identity/?sort=identity',
    'page by cursor': (n) => `/identity/?cursor=${cursors[(n * 7_919) % cursors.length]}`,
    'page by cursor, deepest': () => `/identity/?cursor=${cursors.at(-1)}`,
    'search, 8 characters': identity(some),
    'search, 8 characters, no hit': identity((n) => String(99_999_999 - n)),
    'search, 4 characters': identity(end(4)),
    'search, 4 characters, no hit': identity(missing(4)),
    'search, 3 characters': identity(end(3)),
    'search, 3 characters, no hit': identity(missing(3)),
    'search, 2 characters': identity(end(2)),
    'search, 2 characters, no hit': identity(missing(2)),
    'search, 1 character': identity(end(1)),
    'search, 1 character, no hit': identity(missing(1)),
    'search, 00*': identity(() => '00*'),
    'search, prefix of 5 and *': identity((n) => `${some(n).slice(0, 5)}*`),
    'status whitelisted': () => '/identity/?status=whitelisted',
    'status provisioned, no hit': () => '/identity/?status=provisioned',
    'tag with 100 devices': (n) => `/identity/?tag=group:${group(n)}`,
    'tag with 1 of 1,000 devices': (n) => `/identity/?tag=claim_code:c${n % 1_000}`,
    'two tags': (n) => `/identity/?tag=group:${group(n)}&tag=claim_code:c${(n * 7_919) % 1_000}`,
    'tag and search': (n) => `/identity/?tag=claim_code:c${n % 1_000}&identity=${end(4)(n)}`,
    'count of all': () => count,
    'count, status whitelisted': () => `${count}?status=whitelisted`,
    'count, online': () => `${count}?online=true`,
    'count, tag': (n) => `${count}?tag=claim_code:c${n % 1_000}`,
    'count, search of 8': identity(some, count),
    'count, search of 4': identity(end(4), count),
    'count, search of 3': identity(end(3), count),
    'count, search of 2': identity(end(2), count),
    'count, search of 1': identity(end(1), count),
    'count, search of 00*': identity(() => '00*', count),
    'figures, 24 hours': () => '/figures',
  };
}

/** Cursors from all over the list, 1,000 devices apart: as far as one gets in the time. */
async function cursorsInside(server: Slipway): Promise<string[]> {
  const cursors: string[] = [];
  const until = performance.now() + PAGING_SECONDS * 1000;
  let next = '';
  do {
    const { cursor } = await server.api<Page>('GET', `/identity/?limit=1000${next && `&cursor=${next}`}`);
    if (cursor === null) break;
    next = cursor;
    cursors.push(cursor);
  } while (performance.now() < until);
  return cursors;
}

/** ms from the request to the last byte of the answer. */
async function timesOf(server: Slipway, agent: Agent, ask: Ask): Promise<number[]> {
  const times: number[] = [];
  const until = performance.now() + KIND_SECONDS * 1000;
  for (let n = 0; n < 3; n += 1) await timed(server, agent, ask(n));
  while (times.length < REQUESTS && (performance.now() < until || times.length < REQUESTS_MIN)) {
    times.push((await timed(server, agent, ask(times.length))).ms);
  }
  return times;
}
