/**
 * Bulk actions on a large fleet: a tag for every device, or a lock of every device, and the undoing of it. Meanwhile a device
 * writes and an operator lists devices, one request after the other: the longest answer of each is told.
 */
import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { defineTemperature } from '../devices.ts';
import { importFleet } from '../fleet.ts';
import { cpuMs, peakBytes, percentile, resetPeak, residentBytes } from '../measure.ts';
import { timed } from '../question.ts';
import type { Result, Row } from '../result.ts';
import type { Slipway } from '../slipway.ts';

/** s that a million devices may take. */
const GOAL_SECONDS = 300;
/** ms between two requests of one kind, and between two looks at the job. */
const REST = 20;
const LOOK = 250;

interface Job {
  readonly id: string;
  readonly state: string;
  readonly total: number;
  readonly changed: number;
  readonly restored: number;
  readonly left: number;
  readonly finished: number | null;
}

/** One action, and the requests that were sent beside it. */
interface Work {
  readonly seconds: number;
  readonly cpu: number | null;
  readonly before: number;
  readonly peak: number;
  readonly lists: readonly number[];
  readonly writes: readonly number[];
}

export const bulkTag = rowOf('tag', { action: 'tag', tags: { campaign: ['spring'] } });
export const bulkLock = rowOf('lock', { action: 'lock' });

function rowOf(name: string, action: object): Row {
  return async (options) => {
    const { server, rows } = await importFleet(options.rows, options.nodeFlags);
    const agent = new Agent({ keepAlive: true });
    try {
      await defineTemperature(server);
      const token = await provisionOne(server, agent);
      // The device that writes came by itself: it belongs to no batch.
      const { batches } = await server.api<{ batches: { id: string }[] }>('GET', '/batches');
      const asked = { ...action, filter: { batch: batches[0]!.id } };
      const done = await during(server, agent, token, async () =>
        finish(server, await server.api<Job>('POST', '/identities/update', asked)),
      );
      if (done.job.changed !== rows) throw new Error(`${done.job.changed} of ${rows} devices were changed`);
      options.say(`  done: ${done.work.seconds.toFixed(1)} s`);
      const undone = await during(server, agent, token, async () =>
        finish(server, await server.api<Job>('POST', `/jobs/${done.job.id}/undo`)),
      );
      if (undone.job.restored !== rows) throw new Error(`${undone.job.restored} of ${rows} devices are as before`);
      return { [`bulk-${name}`]: resultOf(done.work, rows), [`bulk-${name}-undo`]: resultOf(undone.work, rows) };
    } finally {
      agent.destroy();
      await server.stop();
    }
  };
}

function resultOf({ seconds, cpu, before, peak, lists, writes }: Work, rows: number): Result {
  const reference = (GOAL_SECONDS * rows) / 1_000_000;
  return {
    ours: seconds,
    reference,
    ratio: reference / seconds,
    unit: 's',
    goal: 1,
    cpu_ms_per_1000: cpu === null ? null : (cpu / rows) * 1000,
    reference_cpu_ms_per_1000: null,
    load_share: null,
    rounds: 1,
    rows,
    memory_before_mb: before / 1e6,
    memory_peak_mb: peak / 1e6,
    list_p50_ms: percentile(lists, 0.5),
    list_p99_ms: percentile(lists, 0.99),
    list_max_ms: Math.max(...lists),
    write_p50_ms: percentile(writes, 0.5),
    write_p99_ms: percentile(writes, 0.99),
    write_max_ms: Math.max(...writes),
    requests_beside: lists.length + writes.length,
  };
}

/** Does the work while a device writes and somebody lists. */
async function during(server: Slipway, agent: Agent, token: string, work: () => Promise<Job>) {
  let over = false;
  const repeat = async (ask: () => Promise<number>): Promise<number[]> => {
    const times: number[] = [];
    while (!over) {
      times.push(await ask());
      await pause(REST);
    }
    return times;
  };
  resetPeak(server.pid);
  const before = residentBytes(server.pid) ?? Number.NaN;
  const cpu = cpuMs(server.pid);
  const start = performance.now();
  let value = 0;
  const beside = Promise.all([
    repeat(async () => (await timed(server, agent, '/identity/?limit=100')).ms),
    repeat(async () => {
      const began = performance.now();
      await asDevice(server, agent, '/onep:v1/stack/alias', `temperature=${++value}`, token);
      return performance.now() - began;
    }),
  ]);
  try {
    const job = await work();
    const seconds = (performance.now() - start) / 1000;
    over = true;
    const [lists, writes] = await beside;
    const used = cpu === null ? null : cpuMs(server.pid)! - cpu;
    return { job, work: { seconds, cpu: used, before, peak: peakBytes(server.pid) ?? Number.NaN, lists, writes } };
  } finally {
    over = true;
    await beside.catch(() => {});
  }
}

/** Waits for its end. */
async function finish(server: Slipway, { id }: Job): Promise<Job> {
  for (;;) {
    const job = await server.api<Job>('GET', `/jobs/${id}`);
    if (job.finished !== null) return job;
    await pause(LOOK);
  }
}

const provisionOne = (server: Slipway, agent: Agent) =>
  asDevice(server, agent, '/provision/activate', 'id=writer-beside');

/** Throws on anything but a 2xx. */
function asDevice(server: Slipway, agent: Agent, path: string, body: string, token = ''): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const headers = { host: server.host, ...(token !== '' && { authorization: `Token ${token}` }) };
  const { port } = server.target('http');
  const sent = request({ port, host: '127.0.0.1', agent, method: 'POST', path, headers }, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    response.on('end', () => {
      if (response.statusCode! < 300) resolve(text);
      else reject(new Error(`${path} was answered ${response.statusCode}: ${text}`));
    });
  });
  sent.on('error', reject).end(body);
  return promise;
}
