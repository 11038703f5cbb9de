/** What machines ask: alive, ready, figures. Nothing of it tells of devices or people. */

import { Type } from 'typebox';
import type { StoreFigures } from '../store/store.ts';
import { type ApiState, type Figure, handle } from './context.ts';

const text = (description: string) => ({ description, content: { 'text/plain': { schema: Type.String() } } });

/** The process answers. */
export const healthz = handle({ response: { 200: text('ok') } }, async ({ reply }) => {
  reply.type('text/plain; charset=utf-8');
  return 'ok\n';
});

/** Storage can be written. STORAGE_UNAVAILABLE */
export const readyz = handle({ response: { 200: text('ok') } }, async ({ deps, reply }) => {
  await deps.store.ping();
  reply.type('text/plain; charset=utf-8');
  return 'ok\n';
});

/** Prometheus text format 0.0.4. */
export const metrics = handle({ response: { 200: text('Prometheus text format') } }, async ({ deps, state, reply }) => {
  reply.type('text/plain; version=0.0.4; charset=utf-8');
  const figures = [...storeFigures(deps.store.figures()), ...ownFigures(state), ...(deps.figures?.() ?? [])];
  const info = '# HELP slipway_info Version\n# TYPE slipway_info gauge\n';
  return `${info}slipway_info{version="${deps.version}"} 1\n${figures.map(lines).join('')}`;
});

function lines({ name, kind, help, value }: Figure): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${name} ${value}\n`;
}

const counter = (name: string, help: string, value: number): Figure => ({ name, kind: 'counter', help, value });
const gauge = (name: string, help: string, value: number): Figure => ({ name, kind: 'gauge', help, value });

function storeFigures(figures: StoreFigures): Figure[] {
  return [
    counter('slipway_store_commits_total', 'Commits to storage', figures.commits),
    counter('slipway_store_writes_total', 'Writes that were committed', figures.committedWrites),
    counter('slipway_store_commit_seconds_total', 'Time spent in commits', figures.commitSeconds),
    gauge('slipway_store_queued_writes', 'Writes that wait for a commit', figures.queuedWrites),
    gauge('slipway_store_queued_bytes', 'Bytes of those', figures.queuedBytes),
  ];
}

function ownFigures(state: ApiState): Figure[] {
  const { user, system } = process.cpuUsage();
  return [
    gauge('slipway_event_streams', 'Open event streams', state.streams.size),
    counter('process_cpu_seconds_total', 'CPU time, user and system', (user + system) / 1e6),
    gauge('process_resident_memory_bytes', 'Resident memory', process.memoryUsage.rss()),
    gauge('process_start_time_seconds', 'Start, seconds since the epoch', Date.now() / 1000 - process.uptime()),
  ];
}
