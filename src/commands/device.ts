/** `slipway device …`: devices of a connector, over the management API. */
import { openAsBlob } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { ConfigError } from '../config.ts';
import { CallFailed, type Client, devicesAt, type Query, withClient } from './client.ts';
import { type Given, textOf, textsOf, UsageError } from './command.ts';
import { confirm, devicesText, note, say, table, tell, timeText } from './output.ts';

type Args = readonly string[];
// biome-ignore lint/suspicious/noExplicitAny: an Identity of the management API
type Device = any;

const PAGE = 1_000;
const USUAL = 100;
/** µs. */
const HOUR = 3_600_000_000;
const DAY = 24 * HOUR;

const pathOf = (base: string, identity: string) => `${base}/identity/${encodeURIComponent(identity)}`;

/** A whole number of a flag. Throws UsageError. */
function numberOf(given: Given, name: string, least: number): number | undefined {
  const text = textOf(given, name);
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text);
  throw new UsageError(`--${name} is ${JSON.stringify(text)}; expected a number from ${least} on.`);
}

export const list = (_: Args, given: Given): Promise<void> =>
  withClient(given, async (client) => {
    const base = await devicesAt(client, given);
    const days = numberOf(given, 'ends-within', 0);
    const filter: Query = {
      ...Object.fromEntries(['identity', 'status', 'batch'].map((name) => [name, textOf(given, name)])),
      tag: textsOf(given, 'tag'),
      online: given.values.online === true ? true : undefined,
      certificate_expires_before: days === undefined ? undefined : Date.now() * 1000 + days * DAY,
    };
    if (given.values.count === true) {
      const { count } = await client.call('GET', `${base}/identities/count`, { query: filter });
      tell(given, { count }, () => String(count));
      return;
    }
    const most = given.values.all === true ? Number.POSITIVE_INFINITY : (numberOf(given, 'limit', 1) ?? USUAL);
    const { devices, more } = await pages(client, `${base}/identity`, { ...filter, sort: textOf(given, 'sort') }, most);
    tell(given, devices, () => tableOf(devices));
    if (more) note(`There are more: --all, or --limit.`);
  });

async function pages(client: Client, path: string, query: Query, most: number) {
  const devices: Device[] = [];
  let cursor: string | undefined;
  do {
    const limit = Math.min(PAGE, most - devices.length);
    const page = await client.call('GET', path, { query: { ...query, cursor, limit } });
    devices.push(...page.devices);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined && devices.length < most);
  return { devices, more: cursor !== undefined };
}

function tableOf(devices: readonly Device[]): string {
  if (devices.length === 0) return 'No devices.';
  const withEnd = devices.some(({ certificate_expires }) => certificate_expires !== undefined);
  return table(
    ['IDENTITY', 'STATUS', 'AUTH', 'ONLINE', 'LAST SEEN', ...(withEnd ? ['CERTIFICATE ENDS'] : []), 'TAGS'],
    devices.map(({ identity, status, auth, online, lastseen, certificate_expires, tags }) => [
      identity,
      status,
      auth.type,
      online ? 'online' : '',
      timeText(lastseen),
      ...(withEnd ? [timeText(certificate_expires)] : []),
      tagsText(tags),
    ]),
  );
}

const tagsText = (tags: Record<string, string[]>) =>
  Object.entries(tags)
    .flatMap(([name, values]) => values.map((value) => `${name}:${value}`))
    .join(' ');

export const show = (_: Args, given: Given): Promise<void> =>
  withClient(given, async (client) => {
    const one: Device = await client.call('GET', pathOf(await devicesAt(client, given), given.positionals[0]!));
    tell(given, one, () => {
      const facts = [
        ['status', one.status],
        ['online', one.online ? 'yes' : 'no'],
        ['auth', one.auth.type],
        ['expires', timeText(one.auth.expire)],
        ['certificate ends', timeText(one.certificate_expires)],
        ['created', timeText(one.created)],
        ['provisioned', timeText(one.provisioned_at)],
        ['last seen', one.lastseen === null ? '' : `${timeText(one.lastseen)} from ${one.lastip}`],
        ['batch', one.batch],
        ['tags', tagsText(one.tags)],
      ].filter(([, value]) => value !== '' && value !== null) as [string, string][];
      const state = Object.entries(one.state as Record<string, Device>).map(([alias, { set, reported, timestamp }]) => [
        alias,
        set,
        reported,
        timeText(timestamp),
      ]);
      const values = state.length === 0 ? '' : `\n\n${table(['RESOURCE', 'SET', 'REPORTED', 'AT'], state)}`;
      return table(['DEVICE', one.identity], facts) + values;
    });
  });

export const add = (_: Args, given: Given): Promise<void> => {
  const hours = numberOf(given, 'hours', 1);
  const tags = Object.fromEntries(
    Map.groupBy(textsOf(given, 'tag').map(readTag), ([name]) => name)
      .entries()
      .map(([name, pairs]) => [name, pairs.map(([, value]) => value)]),
  );
  if (textOf(given, 'key-file') !== undefined && given.positionals.length > 1) {
    throw new UsageError('One credential is for one identity.');
  }
  return withClient(given, async (client) => {
    const base = await devicesAt(client, given);
    const key = await readKey(textOf(given, 'key-file'));
    const auth = {
      type: textOf(given, 'type'),
      key,
      expire: hours === undefined ? undefined : Date.now() * 1000 + hours * HOUR,
    };
    const body = {
      auth,
      ...(Object.keys(tags).length > 0 && { tags }),
      ...(given.values.locked === true && { locked: true }),
    };
    const query = { upsert: given.values.update === true ? true : undefined };
    const add = (identity: string) => client.call('PUT', pathOf(base, identity), { query, body }).catch(inOurWords);
    await forEach(given, given.positionals, add);
  });
};

/** The server names what its callers say; here a flag says it. */
function inOurWords(error: Error): never {
  if (error instanceof CallFailed && error.code === 'DEVICE_KNOWN') {
    throw new CallFailed(error.code, error.message.replace('?upsert=true', '--update'), error.details);
  }
  throw error;
}

function readTag(text: string): readonly [name: string, value: string] {
  const colon = text.indexOf(':');
  if (colon < 1) throw new UsageError(`--tag is ${JSON.stringify(text)}; expected NAME:VALUE.`);
  return [text.slice(0, colon), text.slice(colon + 1)];
}

/** A file, or standard input: never an argument, which others on the machine can read. */
async function readKey(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const content = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8').catch(cannotRead(file));
  return content.trim();
}

function cannotRead(file: string): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    throw new ConfigError(`${file} cannot be read: ${error.message}.`);
  };
}

/** One after the other; those that fail are named, and the others are done all the same. */
async function forEach(given: Given, identities: readonly string[], work: (identity: string) => Promise<unknown>) {
  const results: Device[] = [];
  for (const identity of identities) {
    try {
      const answer = await work(identity);
      results.push(answer ?? { identity, deleted: true });
      if (given.values.json !== true) say(`${identity}  ${(answer as Device)?.status ?? 'deleted'}`);
    } catch (error) {
      if (!(error instanceof CallFailed) || error.code === 'UNREACHABLE') throw error;
      process.exitCode = 1;
      results.push({ identity, error: { code: error.code, message: error.message } });
      if (given.values.json !== true) note(`${identity}: ${error.message}`);
    }
  }
  if (given.values.json === true) say(JSON.stringify(results, null, 2));
}

function changing(body: object, question?: (n: number) => string) {
  return async (_: Args, given: Given): Promise<void> => {
    if (question !== undefined) await confirm(given, question(given.positionals.length));
    await withClient(given, async (client) => {
      const base = await devicesAt(client, given);
      await forEach(given, given.positionals, (identity) => client.call('PATCH', pathOf(base, identity), { body }));
    });
  };
}

export const lock = changing({ locked: true });
export const unlock = changing({ locked: false });
export const reprovision = changing({ reprovision: true });
export const revoke = changing({ auth: { expire: 0 } }, (n) => `End the credentials of ${devicesText(n)} now?`);

export const remove = async (_: Args, given: Given): Promise<void> => {
  await confirm(given, `Delete ${devicesText(given.positionals.length)} with all values?`);
  await withClient(given, async (client) => {
    const base = await devicesAt(client, given);
    await forEach(given, given.positionals, (identity) => client.call('DELETE', pathOf(base, identity)));
  });
};

export const importFile = (_: Args, given: Given): Promise<void> => {
  const [file] = given.positionals as [string];
  const hours = numberOf(given, 'hours', 1);
  return withClient(given, async (client) => {
    const base = await devicesAt(client, given);
    const query: Query = {
      dry_run: given.values['dry-run'] === true ? true : undefined,
      mode: given.values.skip === true ? 'skip' : undefined,
      expire: hours === undefined ? undefined : Date.now() * 1000 + hours * HOUR,
      name: textOf(given, 'name'),
    };
    const body = await openAsBlob(file).catch(cannotRead(file));
    for await (const line of client.send(`${base}/identities`, query, 'text/csv', body)) {
      if (line.progress !== undefined) showProgress(line.progress);
      if (line.error !== undefined) fail(given, line.error);
      if (line.result !== undefined) tell(given, line.result, () => summary(line.result, given));
    }
  });
};

function showProgress({ phase, rows, total }: { phase: string; rows: number; total?: number }): void {
  if (process.stderr.isTTY)
    process.stderr.write(`\r${phase} ${rows}${total === undefined ? '' : ` of ${total}`} rows\x1b[K`);
}

function summary(result: Device, given: Given): string {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  const known = (Object.values(result.known) as number[]).reduce((sum, n) => sum + n, 0);
  const lines = [
    `${result.total} rows: ${result.new} new, ${known} known, ${result.duplicates} repeated, ${result.bad} bad`,
  ];
  if (result.rows.length > 0) lines.push('', badRows(result.rows));
  if (given.values['dry-run'] === true) lines.push('Nothing was written.');
  else if (result.batch !== null) lines.push(`Batch ${result.batch.id}`);
  return lines.join('\n');
}

function fail(given: Given, error: Device): void {
  process.exitCode = 1;
  if (given.values.json === true) say(JSON.stringify(error, null, 2));
  else note(`${error.message}${error.rows === undefined ? '' : `\n\n${badRows(error.rows)}`}`);
}

const badRows = (rows: readonly Device[]) =>
  table(
    ['LINE', 'COLUMN', 'VALUE', 'REASON', 'EXPECTED'],
    rows.map(({ line, column, value, reason, expected }) => [line, column, value, reason, expected]),
  );
