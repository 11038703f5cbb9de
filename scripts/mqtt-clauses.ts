/**
 * Lists the conformance statements of MQTT that the sources obey and no test proves, and the reverse; and those that are
 * neither obeyed nor explained in docs/mqtt.md. They are cited as `3.1.1 [MQTT-3.1.0-2] [MQTT-…], 5.0 [MQTT-…]`: the numbers of
 * the two specifications differ.
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

/** The numbered statements of each specification, section by section (appendix B of both): `2-6` = 2 to 6. */
const statements: Readonly<Record<string, string>> = {
  '3.1.1': `1.5.3:1-3 2.2.2:1-2 2.3.1:1-7 3.1.0:1-2 3.1.2:1-24 3.1.3:1-11 3.1.4:1-5 3.2.0:1 3.2.2:1-6 3.3.1:1-12 3.3.2:1-3
    3.3.4:1 3.3.5:1-2 3.6.1:1 3.8.1:1 3.8.3:1-3 3-8.3:4 3.8.4:1-6 3.9.3:1-2 3.10.1:1 3.10.3:1-2 3.10.4:1-6 3.12.4:1 3.14.1:1
    3.14.4:1-3 4.1.0:1-2 4.3.1:1 4.3.2:1-2 4.3.3:1-2 4.4.0:1 4.5.0:1-2 4.6.0:1-6 4.7.1:1-3 4.7.2:1 4.7.3:1-4 4.8.0:1-2
    6.0.0:1-4 7.0.0:1-2 7.1.1:1 7.1.2:1`,
  '5.0': `1.5.4:1-3 1.5.5:1 1.5.7:1 2.1.3:1 2.2.1:2-6 2.2.2:1 3.1.0:1-2 3.1.2:1-30 3.1.3:1-9,11,12 3.1.4:1-6 3.2.0:1-2
    3.2.2:1-22 3.3.1:1-13 3.3.2:1-20 3.3.4:1-4,6-10 3.4.2:1-3 3.5.2:1-3 3.6.1:1 3.6.2:1-3 3.7.2:1-3 3.8.1:1 3.8.3:1-5
    3.8.4:1-8 3.9.2:1-2 3.9.3:1-2 3.10.1:1 3.10.3:1-2 3.10.4:1-6 3.11.2:1-2 3.11.3:1-2 3.12.4:1 3.14.0:1 3.14.1:1 3.14.2:1-4
    3.14.4:1-3 3.15.1:1 3.15.2:1-3 4.1.0:1-2 4.2.0:1 4.3.1:1 4.3.2:1-5 4.3.3:1-13 4.4.0:1-2 4.5.0:1-2 4.6.0:1-6 4.7.0:1
    4.7.1:1-2 4.7.2:1 4.7.3:1-4 4.8.2:1-4,6 4.9.0:1-3 4.12.0:1-7 4.12.1:1-2 4.13.1:1 4.13.2:1`,
};

/** `3.1.0:1-2,7` → `<version> [MQTT-3.1.0-1]` and so on. */
function spelledOut(version: string, list: string): string[] {
  return list
    .trim()
    .split(/\s+/)
    .flatMap((entry) => {
      const [section, numbers] = entry.split(':') as [string, string];
      return numbers.split(',').flatMap((range) => {
        const [from, to = from] = range.split('-').map(Number) as [number, number?];
        return Array.from({ length: to - from + 1 }, (_, n) => `${version} [MQTT-${section}-${from + n}]`);
      });
    });
}

/** Those that docs/mqtt.md says are not obeyed here, and why. */
function explained(): Set<string> {
  const rows = readFileSync(join(root, 'docs/mqtt.md'), 'utf8').matchAll(/^\| (3\.1\.1|5\.0) \| `([^`]+)` \|/gm);
  return new Set(Array.from(rows, ([, version, list]) => spelledOut(version!, list!)).flat());
}

export interface ClauseReport {
  /** Cited on both sides. */
  readonly proved: string[];
  /** One line each; empty if all is well. */
  readonly untested: string[];
  readonly unobeyed: string[];
  /** Neither cited nor explained; cited, or explained, though there is no such statement; both cited and explained. */
  readonly forgotten: string[];
  readonly invented: string[];
  readonly contradicted: string[];
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
  const known = new Set(Object.entries(statements).flatMap(([version, list]) => spelledOut(version, list)));
  const excused = explained();
  return {
    forgotten: [...known].filter((clause) => !sources.has(clause) && !excused.has(clause)),
    invented: [...sources.keys(), ...tests.keys(), ...excused].filter((clause) => !known.has(clause)),
    contradicted: [...excused].filter((clause) => sources.has(clause)),
    proved: [...sources.keys()].filter((clause) => tests.has(clause)).sort(),
    untested: lines(sources, tests).sort(),
    unobeyed: lines(tests, sources).sort(),
  };
}

if (import.meta.main) {
  const { proved, ...faults } = compareClauses();
  for (const [kind, lines] of Object.entries(faults))
    for (const line of lines) console.log(`${kind.padEnd(13)}${line}`);
  console.log(`${proved.length} statements are obeyed and proved`);
  process.exitCode = Object.values(faults).flat().length === 0 ? 0 : 1;
}
