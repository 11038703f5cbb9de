/** One-time tokens for whitelisted identities: each identity is activated once, durable before the answer. */
import { activation } from '../devices.ts';
import { startHelper } from '../helper.ts';
import { identityOf, whitelistRows } from '../identities.ts';
import type { LoadAnswer, LoadQuestion } from '../load/http.ts';
import type { ReferenceQuestion } from '../reference/http.ts';
import type { Row } from '../result.ts';
import { compareRates, measureRound, roundsAtMost } from '../rounds.ts';
import { startSlipway } from '../slipway.ts';

const CONNECTIONS = 128;
/** Identities activated in one round. */
const PER_ROUND = 10_000;
const GOAL = 0.6;

export const activate: Row = async (options) => {
  const server = await startSlipway(options.nodeFlags);
  const bare = startHelper('reference/http.ts', 'server');
  const load = startHelper('load/http.ts', 'load');
  try {
    const total = PER_ROUND * roundsAtMost(options.rounds);
    await server.import(whitelistRows(total));
    const port = await bare.ask<number>({ tls: null } satisfies ReferenceQuestion);
    const target = server.target('http');
    const open = (name: string, to: typeof target) =>
      load.ask({ kind: 'open', name, target: to, connections: CONNECTIONS } satisfies LoadQuestion);
    await open('ours', target);
    await open('reference', { ...target, port });

    // Devices come in no order; 7,919 is prime and no factor of the total: each identity comes once.
    const identity = (n: number) => identityOf((n * 7_919) % total);
    const used = { ours: 0, reference: 0 };
    const round = async (name: 'ours' | 'reference') => {
      const requests = Array.from({ length: PER_ROUND }, () => activation(server.host, identity(used[name]++)));
      return load.ask<LoadAnswer>({ kind: 'spend', name, requests } satisfies LoadQuestion);
    };
    const result = await compareRates(
      options.rounds,
      () => measureRound(server.pid, () => round('ours')),
      () => measureRound(bare.pid, () => round('reference')),
    );
    const { count } = await server.api<{ count: number }>('GET', '/identities/count?status=provisioned');
    if (count !== used.ours) throw new Error(`${used.ours} were acknowledged, ${count} devices are provisioned`);
    return { activate: { ...result, goal: GOAL, connections: CONNECTIONS, activated: count } };
  } finally {
    await Promise.all([server.stop(), bare.stop(), load.stop()]);
  }
};
