/** Reads `/metrics` as Prometheus does: strictly, line by line (Prometheus text format 0.0.4). */
import assert from 'node:assert/strict';
import type { TestServer } from './server.ts';

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Scrape {
  /** Kind by name of the family. */
  readonly kinds: ReadonlyMap<string, string>;
  readonly samples: readonly Sample[];
  /** The one sample with this name and (at least) these labels; fails unless there is just one. */
  value(name: string, labels?: Readonly<Record<string, string>>): number;
  /** The sum of all of them; 0 where there is none. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
}

/** As from this machine, without signing in. */
export async function scrape(server: TestServer): Promise<Scrape> {
  const response = await fetch(`http://127.0.0.1:${server.console}/metrics`);
  assert.equal(response.status, 200);
  return readScrape(await response.text());
}

export function readScrape(text: string): Scrape {
  const kinds = new Map<string, string>();
  const helped = new Set<string>();
  const samples: Sample[] = [];
  const seen = new Set<string>();
  let current = '';
  assert.ok(text.endsWith('\n'));
  for (const line of text.slice(0, -1).split('\n')) {
    const help = /^# HELP ([a-z_]+) \S.*$/.exec(line);
    const type = /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/.exec(line);
    if (help !== null) {
      assert.ok(!helped.has(help[1]!), `${help[1]} has two families`);
      helped.add(help[1]!);
      current = help[1]!;
    } else if (type !== null) {
      assert.equal(type[1], current, line);
      kinds.set(current, type[2]!);
    } else {
      const sample = readSample(line);
      const base = kinds.get(current) === 'histogram' ? sample.name.replace(/_(bucket|sum|count)$/, '') : sample.name;
      assert.equal(base, current, line);
      const key = line.slice(0, line.lastIndexOf(' '));
      assert.ok(!seen.has(key), `twice: ${key}`);
      seen.add(key);
      samples.push(sample);
    }
  }
  const having = (name: string, labels: Readonly<Record<string, string>> = {}) =>
    samples.filter(
      (sample) =>
        sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    );
  return {
    kinds,
    samples,
    value(name, labels) {
      const found = having(name, labels);
      assert.equal(found.length, 1, `${name} ${JSON.stringify(labels ?? {})}: ${found.length} samples`);
      return found[0]!.value;
    },
    sum: (name, labels) => having(name, labels).reduce((sum, { value }) => sum + value, 0),
  };
}

function readSample(line: string): Sample {
  const label = '[a-z_]+="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
  const [, name, labels = '', value] =
    new RegExp(`^([a-z_]+)(?:\\{(${label}(?:,${label})*)\\})? ([-+\\d.e]+)$`).exec(line) ?? assert.fail(line);
  assert.ok(Number.isFinite(Number(value)), line);
  const pairs = Array.from(labels.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g), ([, key, text]) => [
    key!,
    text!.replace(/\\(.)/g, (_, char) => (char === 'n' ? '\n' : char)),
  ]);
  return { name: name!, labels: Object.fromEntries(pairs), value: Number(value) };
}
