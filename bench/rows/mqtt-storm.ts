/** A whole fleet that comes back at once over TLS: until each device is in and its first message is on disk. */
import { checkStored, defineTemperature, provision } from '../devices.ts';
import { startHelper } from '../helper.ts';
import type { LoadQuestion } from '../load/http.ts';
import type { FleetQuestion, StormAnswer } from '../load/mqtt-fleet.ts';
import { cpuMs } from '../measure.ts';
import type { Row } from '../result.ts';
import { startSlipway } from '../slipway.ts';

/** s within which all of 15,000 have to be served; fewer of them sooner. */
const LIMIT = 60 / 15_000;

export const mqttStorm: Row = async (options) => {
  const connections = options.polls;
  const limit = LIMIT * connections;
  const server = await startSlipway(options.nodeFlags);
  const http = startHelper('load/http.ts', 'load');
  const fleet = startHelper('load/mqtt-fleet.ts', 'load');
  try {
    await defineTemperature(server);
    await http.ask({
      kind: 'open',
      name: 'ours',
      target: server.target('http'),
      connections: 32,
    } satisfies LoadQuestion);
    const passwords = await provision(server, http, 'ours', connections);
    await http.stop();
    const ask = <Answer>(question: FleetQuestion) => fleet.ask<Answer>(question);
    await ask({ kind: 'open', target: server.target('mqtts'), passwords });
    const round = async (resume: boolean) => {
      await ask({ kind: 'break' });
      const before = cpuMs(server.pid) ?? Number.NaN;
      const answer = await ask<StormAnswer>({ kind: 'storm', resume, topic: '$resource/temperature' });
      return { ...answer, cpu: (((cpuMs(server.pid) ?? Number.NaN) - before) / connections) * 1000 };
    };
    const full = await round(false);
    const resumed = await round(true);
    await checkStored(server, connections, 2 * connections);
    return {
      'mqtt-storm': {
        ours: full.served,
        reference: limit,
        ratio: limit / full.served,
        unit: 's',
        goal: 1,
        cpu_ms_per_1000: full.cpu,
        reference_cpu_ms_per_1000: null,
        load_share: full.share,
        rounds: 1,
        connections,
        connected_seconds: full.connected,
        retries: full.retries,
        resumed_served_seconds: resumed.served,
        resumed_connected_seconds: resumed.connected,
        resumed_sessions: resumed.resumed,
        resumed_retries: resumed.retries,
        resumed_cpu_ms_per_1000: resumed.cpu,
      },
    };
  } finally {
    await Promise.all([server.stop(), http.stop(), fleet.stop()]);
  }
};
