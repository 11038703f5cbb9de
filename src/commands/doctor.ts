/** `slipway doctor`: looks for what is wrong, and says what to do. Exit code 1 if there is a fault. */
import { configFlags } from '../config.ts';
import { examine } from '../doctor/examine.ts';
import type { Finding, Level } from '../doctor/finding.ts';
import { type Given, textOf } from './command.ts';
import { tell } from './output.ts';

const marks: Readonly<Record<Level, string>> = { ok: 'ok     ', warning: 'warning', fault: 'FAULT  ' };

export async function run(_: readonly string[], given: Given): Promise<void> {
  const flags = configFlags().flatMap(({ name }) => {
    const value = textOf(given, name);
    return value === undefined ? [] : [`--${name}`, value];
  });
  const findings = await examine(process.env, flags);
  const count = (level: Level) => findings.filter((finding) => finding.level === level).length;
  const counts = { ok: count('ok'), warnings: count('warning'), faults: count('fault') };
  tell(given, { ...counts, findings }, () => `${findings.map(lineOf).join('\n')}\n\n${summary(counts)}`);
  if (counts.faults > 0) process.exitCode = 1;
}

function lineOf({ subject, level, seen, todo }: Finding): string {
  const advice = todo === null ? '' : `\n         → ${todo}`;
  return `${marks[level]}  ${subject}: ${seen}${advice}`;
}

function summary({ warnings, faults }: { warnings: number; faults: number }): string {
  if (faults === 0 && warnings === 0) return 'All is well.';
  const text = (n: number, word: string) => `${n} ${word}${n === 1 ? '' : 's'}`;
  return `${text(faults, 'fault')}, ${text(warnings, 'warning')}.`;
}
