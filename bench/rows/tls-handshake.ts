/** Full TLS handshakes with a client certificate, and one small request on each, against a bare `node:https` server with the same key. */
import { clientCertificate, getTime } from '../devices.ts';
import { startHelper } from '../helper.ts';
import type { HandshakesQuestion } from '../load/handshakes.ts';
import type { LoadAnswer } from '../load/http.ts';
import type { ReferenceQuestion } from '../reference/http.ts';
import type { Row } from '../result.ts';
import { compareRates, measureRound } from '../rounds.ts';
import { startSlipway } from '../slipway.ts';

const GOAL = 0.9;

/** In CPU time of the server: a client pays as much for a handshake as a server does, so the rate is that of the load. */
export const tlsHandshake: Row = async (options) => {
  const server = await startSlipway(options.nodeFlags);
  const bare = startHelper('reference/http.ts', 'server');
  const load = startHelper('load/handshakes.ts', 'load');
  try {
    const port = await bare.ask<number>({ tls: server.tls } satisfies ReferenceQuestion);
    const target = server.target('https');
    const certificate = clientCertificate('bench-0');
    const run = (to: typeof target) => {
      const request = getTime(server.host);
      const question = { target: to, certificate, request, seconds: options.seconds } satisfies HandshakesQuestion;
      return load.ask<LoadAnswer>(question);
    };
    const result = await compareRates(
      options.rounds,
      () => measureRound(server.pid, () => run(target)),
      () => measureRound(bare.pid, () => run({ ...target, port })),
    );
    const { ratio_of_cpu: ratio, cpu_ms_per_1000: ours, reference_cpu_ms_per_1000: reference } = result;
    const rates = { handshakes_per_second: result.ours, reference_handshakes_per_second: result.reference };
    if (ratio === null || ours === null || reference === null) {
      return { 'tls-handshake': { ...result, ...rates, unit: 'handshakes/s', goal: GOAL } };
    }
    const figures = { ours, reference, ratio, unit: 'CPU ms/1000', lowest_ratio: null, highest_ratio: null };
    return { 'tls-handshake': { ...result, ...rates, ...figures, ratio_of_rates: result.ratio, goal: GOAL } };
  } finally {
    await Promise.all([server.stop(), bare.stop(), load.stop()]);
  }
};
