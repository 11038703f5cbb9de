/** Figures: medians and percentiles, and what the operating system says a process used. Knows nothing of what is measured. */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** `fraction` 0.5 = median; NaN for no values. */
export function percentile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? Number.NaN;
}

/** The middle value; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** Ticks of `/proc/<pid>/stat` a second: fixed at 100 for user space on every Linux architecture in use. */
const TICKS = 100;

/** CPU time of a process with all its threads, ms; null where there is no `/proc`. proc(5): utime + stime. */
export function cpuMs(pid: number): number | null {
  const stat = readProc(pid, 'stat');
  if (stat === null) return null;
  // The name of the program, in parentheses, may hold spaces: fields are counted from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS;
}

/** Time that the main thread of a process wanted to run and others had its core, ms; null where the kernel does not say. */
export function waitedMs(pid: number): number | null {
  const waited = readProc(pid, 'schedstat')?.split(' ')[1];
  return waited === undefined ? null : Number(waited) / 1e6;
}

/** CPU time that the hypervisor gave to others while this machine wanted it, ms of all cores since boot; proc(5): steal. */
export function stolenMs(): number | null {
  const line = readFile('/proc/stat')?.split('\n', 1)[0];
  return line === undefined ? null : (Number(line.trim().split(/\s+/)[8] ?? 0) * 1000) / TICKS;
}

/** Resident memory now, bytes; null where there is no `/proc`. */
export const residentBytes = (pid: number): number | null => statusBytes(pid, 'VmRSS');

/** The same once the process has come to rest: it has hardly used its core for a second. NaN where there is no `/proc`. */
export async function restingBytes(pid: number): Promise<number> {
  for (let n = 0; n < 30; n += 1) {
    const before = cpuMs(pid);
    await pause(1_000);
    const after = cpuMs(pid);
    if (before === null || after === null || after - before <= 30) break;
  }
  return residentBytes(pid) ?? Number.NaN;
}

/** The most that it was since the start or since `resetPeak`, bytes. */
export const peakBytes = (pid: number): number | null => statusBytes(pid, 'VmHWM');

/** proc(5), clear_refs: 5 sets the peak back to what is resident now. */
export function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // Not allowed or no Linux: the peak then counts from the start, which is never less.
  }
}

function statusBytes(pid: number, name: string): number | null {
  const kib = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readProc(pid, 'status') ?? '')?.[1];
  return kib === undefined ? null : Number(kib) * 1024;
}

const readProc = (pid: number, name: string) => readFile(`/proc/${pid}/${name}`);

function readFile(name: string): string | null {
  try {
    return readFileSync(name, 'utf8');
  } catch {
    return null;
  }
}
