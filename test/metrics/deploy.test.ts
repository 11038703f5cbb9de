/**
 * The dashboard and the alerts in deploy/: every figure that they name is there when a real server is asked, with the labels
 * that they choose by, and the expressions are ones that Prometheus takes.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { newConnector } from '../helpers/connector.ts';
import { byToken, openMqtts } from '../helpers/mqtt.ts';
import { type Scrape, scrape } from '../helpers/scrape.ts';
import { root, startServer, type TestServer } from '../helpers/server.ts';
import { leftOut } from '../helpers/tool.ts';

const rules = join(root, 'deploy/prometheus/slipway.rules.yml');
const dashboard = JSON.parse(readFileSync(join(root, 'deploy/grafana/slipway.json'), 'utf8'));

let server: TestServer;
let now: Scrape;
before(async () => {
  server = await startServer();
  const connector = await newConnector(server);
  const client = await openMqtts(connector);
  await client.connect(byToken(await connector.provision('d')));
  client.destroy();
  now = await scrape(server);
});
after(() => server?.stop());

/** Where each expression stands → what it says. Those of the rules are in one line each. */
function expressions(): Map<string, string> {
  const found = new Map<string, string>();
  const text = readFileSync(rules, 'utf8');
  for (const [, alert, expression] of text.matchAll(/- alert: (\w+)\n +expr: (.+)\n/g)) found.set(alert!, expression!);
  assert.equal(found.size, text.match(/expr:/g)?.length, 'each rule has its expression in the line behind its name');
  for (const { title, targets = [] } of dashboard.panels) {
    for (const { expr, refId } of targets) found.set(`${title} ${refId}`, expr);
  }
  for (const { name, expr } of dashboard.annotations.list) found.set(name, expr);
  for (const { name, query } of dashboard.templating.list) if (query.query) found.set(name, query.query);
  return found;
}

/** What Prometheus adds to each sample, and metrics of its own. */
const added = ['job', 'instance'];
const own = ['up'];

test('every figure that the dashboard and the alerts name is there, with the labels and values that they choose by', () => {
  assert.ok(expressions().size > 30);
  for (const [where, expression] of expressions()) {
    const names = Array.from(expression.matchAll(/\b(?:slipway|process)_\w+\b/g), ([name]) => name);
    assert.ok(names.length > 0 || own.some((name) => expression.startsWith(`${name}{`)), `${where} names a figure`);
    for (const [, name, matchers = ''] of expression.matchAll(/\b((?:slipway|process)_\w+)(?:\{([^}]*)\})?/g)) {
      const samples = now.samples.filter((sample) => sample.name === name);
      assert.ok(samples.length > 0, `${where} names ${name}`);
      for (const [, label, operator, value] of matchers.matchAll(/(\w+)(=~|!=|!~|=)"([^"]*)"/g)) {
        if (added.includes(label!)) continue;
        const values = new Set(samples.map(({ labels }) => labels[label!]));
        const wanted = operator === '=~' ? value!.split('|') : [value!];
        for (const one of wanted) assert.ok(values.has(one), `${where}: ${name} has no ${label}="${one}"`);
      }
    }
    for (const [, list] of expression.matchAll(/\bby \(([^)]*)\)/g)) {
      const labels = new Set(names.flatMap((name) => labelsOf(name)));
      for (const label of list!.split(',').map((text) => text.trim())) {
        assert.ok(added.includes(label) || labels.has(label), `${where}: nothing has a label ${label}`);
      }
    }
  }
});

const labelsOf = (name: string) =>
  now.samples.filter((sample) => sample.name === name).flatMap(({ labels }) => Object.keys(labels));

test('every figure of the server is on the dashboard or in the alerts', () => {
  const all = [...expressions().values()].join('\n');
  for (const name of now.kinds.keys()) assert.ok(all.includes(name), `${name} is shown nowhere`);
});

test('panels do not lie upon each other, and each says what it shows', () => {
  const taken = new Set<string>();
  const ids = new Set<number>();
  for (const { id, title, type, description, gridPos } of dashboard.panels) {
    ids.add(id);
    assert.ok(type === 'row' || description.length > 5, title);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        assert.ok(x < 24 && !taken.has(`${x} ${y}`), `${title} at ${x}, ${y}`);
        taken.add(`${x} ${y}`);
      }
    }
  }
  assert.equal(ids.size, dashboard.panels.length);
});

const withoutPromtool = await leftOut('promtool');

function promtool(...args: string[]): void {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
}

test('Prometheus takes the alerts, and each fires when it should', { skip: withoutPromtool }, () => {
  promtool('check', 'rules', rules);
  promtool('test', 'rules', rules.replace('.rules.', '.rules.test.'));
});

test('Prometheus takes the expressions of the dashboard', { skip: withoutPromtool }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-promql-'));
  const variables = { $__rate_interval: '5m', $__range: '6h', $instance: '.*', $job: '.*' };
  const fill = (text: string) =>
    Object.entries(variables).reduce((rest, [name, value]) => rest.replaceAll(name, value), text);
  const queries = [...expressions()].filter(([, expression]) => !expression.startsWith('label_values('));
  const records = queries.map(([, expression], at) => ({ record: `slipway:test${at}`, expr: fill(expression) }));
  const file = join(folder, 'dashboard.rules.yml');
  // JSON is YAML too.
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules: records }] }));
  try {
    promtool('check', 'rules', file);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('Prometheus has nothing to say against the figures themselves', { skip: withoutPromtool }, async () => {
  const text = await (await fetch(`http://127.0.0.1:${server.console}/metrics`)).text();
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
});
