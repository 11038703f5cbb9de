/** A server with an imported fleet, kept between the rows that need it: an import of a million is not done twice. */
import { whitelistRows } from './identities.ts';
import { cpuMs, peakBytes, resetPeak, residentBytes } from './measure.ts';
import { type Slipway, startSlipway } from './slipway.ts';

export interface Fleet {
  readonly server: Slipway;
  readonly rows: number;
  /** Of the import, as the caller of the management API sees it. */
  readonly seconds: number;
  readonly cpuMs: number | null;
  /** Resident memory before the import, and how far it went above that during it. Bytes. */
  readonly before: number | null;
  readonly growth: number | null;
  /** Share of a core that this process used to send the file. */
  readonly loadShare: number;
}

/** Starts a server and imports. The caller stops it. */
export async function importFleet(rows: number, nodeFlags: readonly string[]): Promise<Fleet> {
  const server = await startSlipway(nodeFlags);
  try {
    resetPeak(server.pid);
    const before = residentBytes(server.pid);
    const cpu = cpuMs(server.pid);
    const own = process.cpuUsage();
    const start = performance.now();
    const count = await server.import(whitelistRows(rows));
    const seconds = (performance.now() - start) / 1000;
    if (count !== rows) throw new Error(`${rows} rows were sent, ${count} devices came in`);
    const used = process.cpuUsage(own);
    const peak = peakBytes(server.pid);
    return {
      server,
      rows,
      seconds,
      cpuMs: cpu === null ? null : cpuMs(server.pid)! - cpu,
      before,
      growth: before === null || peak === null ? null : peak - before,
      loadShare: (used.user + used.system) / 1e6 / seconds,
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

let kept: Fleet | null = null;

/** Leaves the fleet for later rows; the one before is stopped. */
export async function keepFleet(fleet: Fleet): Promise<void> {
  await dropFleet();
  kept = fleet;
}

/** The fleet that was kept, or a new one of this size, which is kept then. Nobody changes or stops it. */
export async function keptFleet(rows: number, nodeFlags: readonly string[]): Promise<Fleet> {
  if (kept?.rows !== rows) await keepFleet(await importFleet(rows, nodeFlags));
  return kept!;
}

/** Stops the fleet that was kept, if any: before rows that share no server with it, and at the end. */
export async function dropFleet(): Promise<void> {
  const fleet = kept;
  kept = null;
  await fleet?.server.stop();
}
