/**
 * Lists the conformance statements of MQTT that the sources obey and no test proves, and the reverse. They are cited as
 * `3.1.1 [MQTT-3.1.0-2] [MQTT-…], 5.0 [MQTT-…]`: the numbers of the two specifications differ.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const citation = /\b(3\.1\.1|5\.0)((?:\s*(?:\*|\/\/)?\s*\[MQTT-[\d.-]+\])+)/g;

/** Every citation below a folder, `5.0 [MQTT-3.1.0-2]` → the files that have it. */
function citations(pattern: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const file of globSync(pattern, { cwd: root })) {
    for (const [, version, list] of readFileSync(join(root, file), 'utf8').matchAll(citation)) {
      for (const [clause] of list!.matchAll(/\[MQTT-[\d.-]+\]/g)) {
        const name = `${version} ${clause}`;
        found.set(name, (found.get(name) ?? new Set()).add(file));
      }
    }
  }
  return found;
}

export interface ClauseReport {
  /** Cited on both sides. */
  readonly proved: string[];
  /** One line each; empty if all is well. */
  readonly untested: string[];
  readonly unobeyed: string[];
}

/** Compares the sources of the door with its tests, those beside the sources among them. */
export function compareClauses(): ClauseReport {
  const all = citations('src/gateway/mqtt/**/*.ts');
  const tests = new Map([...citations('test/mqtt/**/*.ts'), ...citations('src/gateway/mqtt/**/*.test.ts')]);
  const sources = new Map([...all].filter(([, files]) => [...files].some((file) => !file.endsWith('.test.ts'))));
  const lines = (from: typeof all, others: typeof all) =>
    [...from]
      .filter(([clause]) => !others.has(clause))
      .map(([clause, files]) => `${clause} in ${[...files].join(', ')}`);
  return {
    proved: [...sources.keys()].filter((clause) => tests.has(clause)).sort(),
    untested: lines(sources, tests).sort(),
    unobeyed: lines(tests, sources).sort(),
  };
}

if (import.meta.main) {
  const { proved, untested, unobeyed } = compareClauses();
  for (const line of untested) console.log(`no test    ${line}`);
  for (const line of unobeyed) console.log(`no source  ${line}`);
  console.log(
    `${proved.length} statements are obeyed and proved, ${untested.length + unobeyed.length} only one of the two`,
  );
  process.exitCode = untested.length + unobeyed.length === 0 ? 0 : 1;
}
