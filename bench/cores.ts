/** Who runs where: the measured server on one core, all that loads it on another, so that neither takes the other's time. */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

const SERVER_CORE = '0';
const LOAD_CORE = '1';

/** False on a single core, or where there is no `taskset`: figures then hold the load's cost too. */
export const pinned = availableParallelism() >= 2 && spawnSync('taskset', ['--version']).status === 0;

/** Moves this process, and with it whatever it starts, to the load's core. */
export function pinSelf(): void {
  if (pinned) spawnSync('taskset', ['-a', '-c', '-p', LOAD_CORE, String(process.pid)]);
}

/** The command that runs Node, or another program, with these arguments on the server's core. `taskset` becomes it: the pid is the server's. */
export function onServerCore(args: readonly string[], program = process.execPath): [command: string, args: string[]] {
  return pinned ? ['taskset', ['-c', SERVER_CORE, program, ...args]] : [program, [...args]];
}
