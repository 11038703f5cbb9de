/** Whitelisting in bulk: a CSV file posted to the management API, against plain inserts of the same rows in one transaction. */
import { type Fleet, importFleet, keepFleet } from '../fleet.ts';
import { startHelper } from '../helper.ts';
import { cpuMs, median } from '../measure.ts';
import type { ImportQuestion } from '../reference/import.ts';
import type { BenchOptions, Row } from '../result.ts';

const GOAL = 0.5;
/** How far an import may raise the memory of the server, MB. */
const GROWTH_MAX = 150;

interface Side {
  readonly seconds: number;
  readonly cpuPer1000: number | null;
}

/** A round takes a minute or two, which evens out what disturbs it: one, or five with `--large`. */
export const importRow: Row = async (options) => {
  const rounds = options.large ? 5 : 1;
  const fleets: Fleet[] = [];
  const references: Side[] = [];
  for (let n = 0; n < rounds; n += 1) {
    const fleet = await importFleet(options.rows, options.nodeFlags);
    fleets.push(fleet);
    await keepFleet(fleet);
    options.say(`  ${options.rows} rows: ${fleet.seconds.toFixed(1)} s`);
    references.push(await measureReference(options));
    options.say(`  reference: ${references.at(-1)!.seconds.toFixed(1)} s`);
  }
  const ours = median(fleets.map(({ seconds }) => seconds));
  const reference = median(references.map(({ seconds }) => seconds));
  const growth = Math.max(...fleets.map(({ growth }) => growth ?? Number.NaN)) / 1e6;
  if (growth > GROWTH_MAX) options.say(`  TOO MUCH MEMORY: grew by ${growth.toFixed(0)} MB, at most ${GROWTH_MAX}`);
  return {
    import: {
      ours,
      reference,
      ratio: reference / ours,
      unit: 's',
      goal: GOAL,
      cpu_ms_per_1000: medianOrNull(fleets.map(({ cpuMs, rows }) => cpuMs && (cpuMs / rows) * 1000)),
      reference_cpu_ms_per_1000: medianOrNull(references.map(({ cpuPer1000 }) => cpuPer1000)),
      load_share: median(fleets.map(({ loadShare }) => loadShare)),
      rounds,
      rows: options.rows,
      memory_growth_mb: growth,
      memory_growth_limit_mb: GROWTH_MAX,
      memory_before_mb: (fleets[0]!.before ?? Number.NaN) / 1e6,
    },
  };
};

async function measureReference({ rows }: BenchOptions): Promise<Side> {
  const helper = startHelper('reference/import.ts', 'server');
  try {
    const before = cpuMs(helper.pid);
    const seconds = await helper.ask<number>({ rows } satisfies ImportQuestion);
    const after = cpuMs(helper.pid);
    return { seconds, cpuPer1000: before === null || after === null ? null : ((after - before) / rows) * 1000 };
  } finally {
    await helper.stop();
  }
}

function medianOrNull(values: readonly (number | null)[]): number | null {
  return values.includes(null) ? null : median(values as number[]);
}
