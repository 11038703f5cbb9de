/** Long polls that wait on one process: what one costs in memory, and how fast all are answered after a change. */
import { setTimeout as pause } from 'node:timers/promises';
import { defineTemperature } from '../devices.ts';
import { startHelper } from '../helper.ts';
import type { Devices, PollsQuestion, WakeAnswer } from '../load/polls.ts';
import { restingBytes } from '../measure.ts';
import type { BenchOptions, Result, Row } from '../result.ts';
import { type Slipway, startSlipway } from '../slipway.ts';

/** s after a change within which every one of 15,000 polls has to be answered; fewer of them sooner. */
const LIMIT = 2 / 15_000;

/** ms within which polls that were sent have arrived. */
const ARRIVAL = 60_000;

export const polls: Row = async (options) => ({
  polls: await measure(options, 'https'),
  ...(options.large ? { 'polls-plain': await measure(options, 'http') } : {}),
});

async function measure(options: BenchOptions, transport: 'http' | 'https'): Promise<Result> {
  const server = await startSlipway(options.nodeFlags);
  const load = startHelper('load/polls.ts', 'load');
  const ask = <Answer>(question: PollsQuestion) => load.ask<Answer>(question);
  const { polls: connections } = options;
  const limit = LIMIT * connections;
  const each = (bytes: number) => Math.round(bytes / connections);
  try {
    await defineTemperature(server);
    const empty = await restingBytes(server.pid);
    const target = server.target(transport);
    const opened = await ask<number>({ kind: 'open', target, host: server.host, connections });
    const idle = await restingBytes(server.pid);

    const wake = async (devices: Devices) => {
      await ask({ kind: 'wait', devices });
      await arrived(server, connections);
      const waiting = await restingBytes(server.pid);
      return { waiting, ...(await ask<WakeAnswer>({ kind: 'wake', devices })) };
    };
    const one = await wake('one');
    await restingBytes(server.pid);
    const all = await wake('each');
    return {
      ours: one.last,
      reference: limit,
      ratio: limit / one.last,
      unit: 's',
      goal: 1,
      cpu_ms_per_1000: null,
      reference_cpu_ms_per_1000: null,
      load_share: null,
      rounds: 1,
      polls: connections,
      connect_and_activate_seconds: opened,
      bytes_per_idle_connection: each(idle - empty),
      bytes_per_waiting_poll: each(one.waiting - idle),
      bytes_per_connection_and_poll: each(one.waiting - empty),
      one_device_first_answer_seconds: one.first,
      one_device_last_answer_seconds: one.last,
      own_devices_bytes_per_connection_and_poll: each(all.waiting - empty),
      own_devices_last_answer_seconds: all.last,
      own_devices_last_write_seconds: all.written,
    };
  } finally {
    await load.stop();
    await server.stop();
  }
}

/** Resolves when so many polls wait: a change that overtakes a poll does not wake it. */
async function arrived(server: Slipway, polls: number): Promise<void> {
  const until = performance.now() + ARRIVAL;
  while ((await server.figures()).get('slipway_long_polls') !== polls) {
    if (performance.now() > until) throw new Error(`not all of ${polls} long polls arrived`);
    await pause(100);
  }
}
