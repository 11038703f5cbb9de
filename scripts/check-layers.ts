/** Holds imports to one way: server → doors → domain, doors → store/store.ts; the domain imports nothing of the others. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** Folder or file below src → what it may import from below src, besides its own folder. */
const allowed: readonly (readonly [from: string, to: readonly string[]])[] = [
  ['domain/', []],
  ['log.ts', ['config.ts']],
  ['config.ts', ['domain/']],
  ['clock.ts', []],
  ['durable-file.ts', []],
  ['version.ts', []],
  ['metrics/', ['domain/']],
  ['store/store.ts', ['domain/', 'metrics/']],
  ['store/', ['domain/', 'metrics/', 'store/store.ts', 'durable-file.ts']],
  ['commands/migrate.ts', ['config.ts', 'store/', 'durable-file.ts']],
  ['commands/audit.ts', ['config.ts', 'domain/audit.ts', 'store/', 'commands/']],
  ['events/', ['domain/', 'store/store.ts', 'log.ts']],
  ['x509/', []],
  ['gateway/tls/', ['domain/', 'x509/', 'log.ts', 'durable-file.ts']],
  ['gateway/', ['domain/', 'metrics/', 'store/store.ts', 'log.ts']],
  [
    'api/',
    [
      ...['domain/', 'metrics/', 'store/store.ts', 'events/'],
      ...['console/pages.ts', 'gateway/password.ts', 'log.ts', 'config.ts'],
    ],
  ],
  ['console/', ['log.ts']],
  // A client of any server: it knows the formats, and nothing of how a server works.
  ['simulator/', ['domain/', 'x509/', 'api/import/csv.ts']],
  ['server.ts', ['']],
  ['backup/', ['store/sqlite/folder-lock.ts', 'store/sqlite/snapshot.ts', 'version.ts', 'durable-file.ts']],
  ['commands/backup.ts', ['config.ts', 'backup/', 'commands/']],
  ['commands/restore.ts', ['config.ts', 'backup/', 'commands/']],
  ['doctor/', ['config.ts', 'store/']],
  ['commands/doctor.ts', ['config.ts', 'doctor/', 'commands/']],
  ['commands/simulate', ['config.ts', 'simulator/']],
  ['commands/table.ts', ['config.ts', 'simulator/flags.ts', 'commands/']],
  ['commands/', ['server.ts', 'config.ts', 'log.ts', 'domain/', 'api/connectors.ts']],
  ['main.ts', ['commands/', 'config.ts']],
];

const faults: string[] = [];
const files = globSync('src/**/*.ts').filter((file) => !file.endsWith('.test.ts'));
for (const file of files) {
  const from = file.slice('src/'.length);
  const rule = allowed.find(([prefix]) => from.startsWith(prefix));
  if (rule === undefined) {
    faults.push(`${file}: no rule says what this may import; add one to scripts/check-layers.ts`);
    continue;
  }
  const [prefix, targets] = rule;
  for (const [, specifier] of readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)) {
    const to = normalize(join(dirname(from), specifier!));
    const own = prefix.endsWith('/') && to.startsWith(prefix);
    if (!own && !targets.some((target) => to.startsWith(target))) faults.push(`${file} imports src/${to}`);
  }
}
if (files.length === 0) faults.push('no source files found: run this from the root of the project');
for (const fault of faults) console.error(fault);
console.log(`${files.length} files, ${faults.length} imports against the layers`);
process.exitCode = faults.length === 0 ? 0 : 1;
