/**
 * Takes over everything from another engine into an empty database. Each page is one commit together with where the next one
 * begins, so that it goes on where a break left it; at the end both sides are counted and digested.
 */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import type { Tags } from '../../domain/device.ts';
import { type Cell, createDigest, type Digest, type Place, type Source } from '../moving.ts';
import { openDatabase, poolConfig, sql, statement } from './database.ts';
import { createPartitions } from './partitions.ts';
import { migrate } from './schema.ts';
import { packTags, unpackTags } from './tags.ts';
import { numbers, texts } from './text.ts';

/** `base64`: bytes, which come as text. */
type Type = 'bigint' | 'text' | 'boolean' | 'base64';

interface Target {
  readonly columns: readonly (readonly [name: string, type: Type])[];
  /** What a row has besides: columns and their values. */
  readonly besides?: Readonly<Record<string, string>>;
}

const bigints = (...names: string[]) => names.map((name) => [name, 'bigint'] as const);
const strings = (...names: string[]) => names.map((name) => [name, 'text'] as const);
const flags = (...names: string[]) => names.map((name) => [name, 'boolean'] as const);

/** The columns in the order in which rows have them. */
const targets: Readonly<Record<string, Target>> = {
  connectors: {
    columns: [...bigints('key'), ...strings('id'), ...bigints('created', 'version'), ...strings('settings')],
  },
  batches: {
    columns: [
      ...bigints('key', 'connector'),
      ...strings('id', 'name', 'who'),
      ...bigints('created', 'expires'),
      ...strings('state'),
      ...bigints('count'),
    ],
    besides: { position: '0' },
  },
  devices: {
    columns: [
      ...bigints('key', 'connector'),
      ...strings('identity'),
      ...bigints('created', 'expires'),
      ...flags('expiry_logged', 'locked', 'reprovision'),
      ...strings('auth_type'),
      ...bigints('provisioned_at'),
      ...strings('tags'),
      ...bigints('batch'),
      ...strings('phase'),
    ],
  },
  presence: {
    columns: [...bigints('device', 'connector', 'activity', 'last_seen'), ...strings('last_ip'), ...bigints('left_at')],
  },
  wanted: { columns: [...bigints('device'), ...strings('alias'), ...bigints('at'), ...strings('value')] },
  device_tags: { columns: [...bigints('connector'), ...strings('name', 'value'), ...bigints('device')] },
  credentials: {
    columns: [
      ...bigints('device', 'slot', 'connector'),
      ...strings('type', 'digest'),
      ...bigints('until'),
      ...strings('data'),
    ],
  },
  state: {
    columns: [
      ...bigints('device'),
      ...strings('alias', 'set_value'),
      ...bigints('set_at'),
      ...strings('reported'),
      ...bigints('reported_at'),
    ],
  },
  figures: { columns: [...bigints('connector', 'minute'), ...strings('kind'), ...bigints('n')] },
  remains: { columns: bigints('device') },
  content: {
    columns: [
      ...bigints('key', 'connector'),
      ...strings('id', 'type'),
      ...bigints('bytes'),
      ...strings('sha256', 'meta'),
      ...bigints('created', 'updated'),
      ...strings('who', 'device', 'offer', 'rollout'),
      ...bigints('blob'),
      ...flags('listed'),
    ],
  },
  content_blobs: { columns: [...bigints('key', 'bytes'), ...flags('kept')] },
  content_pieces: { columns: [...bigints('blob', 'n'), ['data', 'base64']] },
  content_fetches: {
    columns: [
      ...bigints('content', 'device'),
      ...strings('identity', 'sha256'),
      ...bigints('first_at', 'last_at', 'times', 'completed'),
    ],
  },
  content_remains: { columns: bigints('content') },
  users: { columns: [...strings('id', 'email', 'role', 'password'), ...bigints('created')] },
  sessions: { columns: [...strings('digest', 'account'), ...bigints('created', 'expires')] },
  events: {
    columns: [
      ...bigints('seq', 'connector', 'device'),
      ...strings('identity', 'type', 'ip', 'protocol'),
      ...bigints('timestamp'),
      ...strings('connection', 'payload'),
    ],
  },
  points: { columns: [...bigints('device'), ...strings('alias'), ...bigints('timestamp'), ...strings('value')] },
};

const TAGS = 10;
const FETCH = 2_000;
/** Of rows with bytes. */
const FETCH_LARGE = 32;

export interface Moved {
  readonly table: string;
  readonly source: Digest;
  readonly target: Digest;
}

/** Throws if the database holds an installation that did not come from here. `onProgress`: rows of a table so far. */
export async function takeOver(
  url: string,
  source: Source,
  kept: Readonly<Record<string, string>>,
  onProgress: (table: string, rows: number) => void,
): Promise<Moved[]> {
  const client = new Client({ ...poolConfig(url), statement_timeout: undefined, query_timeout: undefined });
  await client.connect();
  const db = openDatabase(url, randomUUID());
  try {
    await migrate(client);
    await begin(client);
    await createPartitions(db).makeAhead(Date.now() * 1000);
    const digests = new Map<string, Digest>();
    for (const table of source.tables) {
      digests.set(table.name, await copy(table));
    }
    const moved: Moved[] = [];
    for (const { name } of source.tables) {
      moved.push({ table: name, source: digests.get(name)!, target: await digestOf(client, name) });
    }
    if (moved.every(({ source, target }) => source.rows === target.rows && source.digest === target.digest)) {
      await finish(client, source.lastSeq, kept);
    }
    return moved;
  } finally {
    await db.close();
    await client.end();
  }

  /** From where an earlier run left it; what that one copied is digested once more. */
  async function copy({ name, read }: Source['tables'][number]): Promise<Digest> {
    const digest = createDigest();
    const [row] = await db.read<{ place: string; done: boolean }>(placeOf, [name]);
    let written: string | null = row?.place ?? null;
    let ahead = row === undefined;
    for (let after: Place | null = null; ; ) {
      const page = read(after);
      for (const one of page.rows) digest.add(one);
      const here = JSON.stringify(after);
      if (!ahead && here === written && row?.done === false) ahead = true;
      if (ahead) {
        const next = JSON.stringify(page.next);
        await write(name, page.rows, written, next, page.next === null);
        written = next;
      }
      onProgress(name, digest.result().rows);
      if (page.next === null) return digest.result();
      after = page.next;
    }
  }

  async function write(
    name: string,
    rows: readonly (readonly Cell[])[],
    from: string | null,
    to: string,
    done: boolean,
  ): Promise<void> {
    const { columns, besides = {} } = targets[name]!;
    const typeOf = (type: Type) => (type === 'base64' ? 'text' : type);
    const lists = columns.map(([, type], at) => `${sql`${listOf(type, rows, at, name)}`}::${typeOf(type)}[]`);
    const into = [...columns.map(([column]) => column), ...Object.keys(besides)].join(', ');
    const decodedOf = (column: string, type: Type) => (type === 'base64' ? `decode(${column}, 'base64')` : column);
    const values = [...columns.map(([column, type]) => decodedOf(column, type)), ...Object.values(besides)].join(', ');
    await client.query(`
      SELECT demand((SELECT place FROM moving WHERE name = '${name}') IS NOT DISTINCT FROM ${sql`${from}`}, 'another run');
      ${rows.length === 0 ? '' : `INSERT INTO ${name} (${into}) SELECT ${values} FROM unnest(${lists.join(', ')}) AS r (${columns.map(([column]) => column).join(', ')});`}
      INSERT INTO moving VALUES ('${name}', ${sql`${to}`}, ${sql`${done}`})
        ON CONFLICT (name) DO UPDATE SET place = excluded.place, done = excluded.done`);
  }
}

const placeOf = statement('moving-place', 'SELECT place, done FROM moving WHERE name = $1');

function listOf(type: Type, rows: readonly (readonly Cell[])[], at: number, table: string) {
  if (type === 'bigint') return numbers(rows.map((row) => row[at] as number | null));
  const isTags = table === 'devices' && at === TAGS;
  return texts(
    rows.map((row) => {
      const cell = row[at] ?? null;
      if (cell === null) return null;
      return isTags ? packTags(JSON.parse(cell as string) as Tags) : String(cell);
    }),
  );
}

/** Only into an empty database, or one that an earlier run did not finish. */
async function begin(client: Client): Promise<void> {
  const { rows } = await client.query(`SELECT to_regclass('moving') IS NOT NULL AS begun,
    EXISTS (SELECT 1 FROM connectors) OR EXISTS (SELECT 1 FROM users) AS used`);
  if (rows[0].used && !rows[0].begun)
    throw new Error('The database holds an installation already; an empty one is needed');
  await client.query(
    'CREATE TABLE IF NOT EXISTS moving (name text PRIMARY KEY, place text NOT NULL, done boolean NOT NULL)',
  );
}

/** Numbers go on from where they stood; nothing of the move is left. */
async function finish(client: Client, lastSeq: number, kept: Readonly<Record<string, string>>): Promise<void> {
  const counters = ['connectors', 'devices', 'batches', 'content', 'content_blobs'].map(
    (table) => `SELECT setval('${table}_key_seq', (SELECT greatest(max(key), 1) FROM ${table}))`,
  );
  const names = Object.entries(kept).map(([name, content]) => sql`INSERT INTO kept VALUES (${name}, ${content})`);
  const first = sql`INSERT INTO commits (id, number, node, seq) VALUES (gen_random_uuid(), 1, 'moved', ${lastSeq})`;
  await client.query([...counters, ...names, first, 'DROP TABLE moving'].join(';\n'));
  await client.query('ANALYZE');
}

async function digestOf(client: Client, name: string): Promise<Digest> {
  const { columns } = targets[name]!;
  const digest = createDigest();
  await client.query('BEGIN');
  // PostgreSQL breaks base64 into lines.
  const read = columns.map(([column, type]) =>
    type === 'base64' ? `translate(encode(${column}, 'base64'), E'\\n', '') AS ${column}` : column,
  );
  const fetch = columns.some(([, type]) => type === 'base64') ? FETCH_LARGE : FETCH;
  await client.query(`DECLARE moved CURSOR FOR SELECT ${read.join(', ')} FROM ${name}`);
  for (;;) {
    const { rows } = await client.query<Record<string, Cell>>(`FETCH ${fetch} FROM moved`);
    for (const row of rows) digest.add(columns.map(([column]) => cellOf(name, column, row[column] ?? null)));
    if (rows.length < fetch) break;
  }
  await client.query('COMMIT');
  return digest.result();
}

/** As the other engine has it: tags without what stands for U+0000. */
function cellOf(table: string, column: string, cell: Cell): Cell {
  return table === 'devices' && column === 'tags' ? JSON.stringify(unpackTags(cell as string)) : cell;
}
