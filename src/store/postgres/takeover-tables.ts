/**
 * The tables that another engine hands over, as it hands them over: their columns in the order of its rows, and the statements
 * that compare and replace rows of them. Pure.
 */
import type { Tags } from '../../domain/device.ts';
import type { Cell, Key, Row } from '../moving.ts';
import { type Sql, sql } from './database.ts';
import { packTags, unpackTags } from './tags.ts';
import { numbers, texts } from './text.ts';

type Type = 'bigint' | 'text' | 'boolean';

export interface Target {
  readonly columns: readonly (readonly [name: string, type: Type])[];
  /** Columns that tell rows apart, the ones that a page ends between first. */
  readonly key: readonly string[];
  /** How many of them a page ends between. */
  readonly walk: number;
  /** Of a row `t` that is there and another one, `n`, that comes: they cannot both be there. */
  readonly clash?: string;
  /** Rows that are here and not there stay. */
  readonly grows?: boolean;
  /** What else is to be done where rows are gone, whose keys are given. */
  readonly gone?: (keys: readonly Row[]) => string;
  /** What a row has besides: columns and their values. */
  readonly besides?: Readonly<Record<string, string>>;
}

const bigints = (...names: string[]) => names.map((name) => [name, 'bigint'] as const);
const strings = (...names: string[]) => names.map((name) => [name, 'text'] as const);
const flags = (...names: string[]) => names.map((name) => [name, 'boolean'] as const);

/** The columns in the order in which rows have them. */
export const targets: Readonly<Record<string, Target>> = {
  connectors: {
    key: ['key'],
    walk: 1,
    gone: orphans,
    columns: [...bigints('key'), ...strings('id'), ...bigints('created', 'version'), ...strings('settings')],
  },
  batches: {
    key: ['key'],
    walk: 1,
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
    key: ['key'],
    walk: 1,
    clash: 't.connector = n.connector AND t.identity = n.identity COLLATE "C"',
    gone: leftovers,
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
    key: ['device'],
    walk: 1,
    columns: [...bigints('device', 'connector', 'activity', 'last_seen'), ...strings('last_ip'), ...bigints('left_at')],
  },
  wanted: {
    key: ['device', 'alias'],
    walk: 1,
    columns: [...bigints('device'), ...strings('alias'), ...bigints('at'), ...strings('value')],
  },
  device_tags: {
    key: ['connector', 'name', 'value', 'device'],
    walk: 4,
    columns: [...bigints('connector'), ...strings('name', 'value'), ...bigints('device')],
  },
  credentials: {
    key: ['device', 'slot'],
    walk: 1,
    clash: `t.type = n.type AND t.digest = n.digest COLLATE "C" AND (t.type = 'token' OR t.connector = n.connector)`,
    columns: [
      ...bigints('device', 'slot', 'connector'),
      ...strings('type', 'digest'),
      ...bigints('until'),
      ...strings('data'),
    ],
  },
  state: {
    key: ['device', 'alias'],
    walk: 1,
    columns: [
      ...bigints('device'),
      ...strings('alias', 'set_value'),
      ...bigints('set_at'),
      ...strings('reported'),
      ...bigints('reported_at'),
    ],
  },
  figures: {
    key: ['connector', 'minute', 'kind'],
    walk: 3,
    columns: [...bigints('connector', 'minute'), ...strings('kind'), ...bigints('n')],
  },
  webhooks: {
    key: ['key'],
    walk: 1,
    columns: [...bigints('key', 'connector'), ...strings('id'), ...bigints('generation'), ...strings('hook')],
  },
  deliveries: {
    key: ['webhook', 'number'],
    walk: 2,
    columns: [...bigints('webhook', 'number'), ...strings('delivery')],
  },
  jobs: {
    key: ['key'],
    walk: 1,
    columns: [
      ...bigints('key', 'connector'),
      ...strings('id'),
      ...flags('open'),
      ...bigints('position', 'last'),
      ...strings('filter', 'targets'),
      ...bigints('finished'),
      ...strings('job'),
    ],
  },
  job_changes: {
    key: ['job', 'device'],
    walk: 2,
    columns: [...bigints('job', 'device'), ...strings('identity', 'before')],
  },
  content: {
    key: ['key'],
    walk: 1,
    clash: 't.connector = n.connector AND t.id = n.id COLLATE "C"',
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
  // Their bytes: takeover-files.ts.
  content_blobs: { key: ['key'], walk: 1, columns: [...bigints('key', 'bytes'), ...flags('kept')] },
  content_fetches: {
    key: ['content', 'device'],
    walk: 2,
    columns: [
      ...bigints('content', 'device'),
      ...strings('identity', 'sha256'),
      ...bigints('first_at', 'last_at', 'times', 'completed'),
    ],
  },
  content_remains: { key: ['content'], walk: 1, columns: bigints('content') },
  remains: { key: ['device'], walk: 1, grows: true, columns: bigints('device') },
  users: {
    key: ['id'],
    walk: 1,
    clash: 't.email = n.email COLLATE "C" OR t.link = n.link COLLATE "C" OR t.subject = n.subject COLLATE "C"',
    columns: [
      ...strings('id', 'email', 'role', 'password'),
      ...bigints('created'),
      ...strings('connectors', 'link'),
      ...bigints('link_expires'),
      ...strings('factor', 'subject'),
    ],
  },
  sessions: {
    key: ['digest'],
    walk: 1,
    columns: [
      ...strings('digest', 'account'),
      ...bigints('created', 'expires'),
      ...strings('ip', 'agent'),
      ...bigints('proven', 'used'),
    ],
  },
  keys: {
    key: ['id'],
    walk: 1,
    clash: 't.name = n.name COLLATE "C" OR t.digest = n.digest COLLATE "C"',
    columns: [
      ...strings('id', 'name', 'role', 'connector', 'digest'),
      ...bigints('created'),
      ...strings('creator'),
      ...bigints('expires', 'used'),
    ],
  },
  audit: { key: ['seq'], walk: 1, columns: [...bigints('seq'), ...strings('entry', 'previous', 'digest')] },
  events: {
    key: ['seq'],
    walk: 1,
    columns: [
      ...bigints('seq', 'connector', 'device'),
      ...strings('identity', 'type', 'ip', 'protocol'),
      ...bigints('timestamp'),
      ...strings('connection', 'payload'),
    ],
  },
  points: {
    key: ['device', 'alias', 'timestamp'],
    walk: 3,
    columns: [...bigints('device'), ...strings('alias'), ...bigints('timestamp'), ...strings('value')],
  },
};

/** What belonged to devices that are gone is removed in steps, after the move. */
function leftovers(keys: readonly Row[]): Sql {
  const list = numbers(keys.map(([key]) => key as number));
  return sql`INSERT INTO remains SELECT unnest(${list}::bigint[]) ON CONFLICT DO NOTHING`;
}

/** A connector that is gone may have left events, which are purged as those of any that was deleted. */
function orphans(keys: readonly Row[]): Sql {
  const list = numbers(keys.map(([key]) => key as number));
  return sql`INSERT INTO connectors (key, id, created, version, settings)
    SELECT key, NULL, 0, 0, '{}' FROM unnest(${list}::bigint[]) AS g (key)`;
}

const namesOf = ({ columns }: Target) => columns.map(([name]) => name).join(', ');

/** Rows of a page, as the other engine has them. */
export function rangeQuery(name: string, after: Key | null, upTo: Key | null): Sql {
  const target = targets[name]!;
  const walked = target.key.slice(0, target.walk).join(', ');
  const bound = (by: string, key: Key) => `(${walked}) ${by} (${key.map((value) => sql`${value}`).join(', ')})`;
  const conditions = [
    ...(after === null ? [] : [bound('>', after)]),
    ...(upTo === null ? [] : [bound('<=', upTo)]),
    ...(name === 'connectors' ? ['version > 0'] : []),
  ];
  return `SELECT ${namesOf(target)} FROM ${name} ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`}`;
}

/** The cells of a row that was found, in the order of its columns. */
export function rowOf(name: string, found: Readonly<Record<string, Cell>>): Row {
  return targets[name]!.columns.map(([column]) => {
    const cell = found[column] ?? null;
    // Tags without what stands for U+0000.
    return name === 'devices' && column === 'tags' ? JSON.stringify(unpackTags(cell as string)) : cell;
  });
}

/** The values of the columns that tell a row apart. */
export function keyOf(name: string): (row: Row) => Row {
  const { columns, key } = targets[name]!;
  const places = key.map((wanted) => columns.findIndex(([column]) => column === wanted));
  return (row) => places.map((place) => row[place]!);
}

/** `already`: what is to become of rows that are there. */
export function insertRows(name: string, rows: readonly Row[], already = ''): Sql {
  const target = targets[name]!;
  const { besides = {} } = target;
  const into = [namesOf(target), ...Object.keys(besides)].join(', ');
  const values = [namesOf(target), ...Object.values(besides)].join(', ');
  return `INSERT INTO ${name} (${into}) SELECT ${values} FROM ${rowsAs(name, target, rows, 'r')} ${already}`;
}

/** Whether a row of another key is in the way of these; null where none can be. */
export function clashQuery(name: string, rows: readonly Row[]): Sql | null {
  const target = targets[name]!;
  if (target.clash === undefined || rows.length === 0) return null;
  const [there, coming] = ['t', 'n'].map((as) => `(${target.key.map((column) => `${as}.${column}`).join(', ')})`);
  return `SELECT EXISTS (SELECT 1 FROM ${name} t JOIN ${rowsAs(name, target, rows, 'n')} ON ${target.clash}
    WHERE ${there} <> ${coming}) AS clashes`;
}

/** Statements after which these rows are there, and those of the other keys are not. */
export function replaceRows(name: string, rows: readonly Row[], old: readonly Row[], gone: readonly Row[]): Sql[] {
  const target = targets[name]!;
  const { key, columns, clash } = target;
  const keyed: Target = { ...target, columns: key.map((wanted) => columns.find(([column]) => column === wanted)!) };
  const same = keyed.columns.map(
    ([column, type]) => `t.${column} = n.${column}${type === 'text' ? ' COLLATE "C"' : ''}`,
  );
  if (target.grows === true) return rows.length === 0 ? [] : [insertRows(name, rows, 'ON CONFLICT DO NOTHING')];
  const removed = [...old, ...gone];
  return [
    ...(removed.length === 0
      ? []
      : [`DELETE FROM ${name} t USING ${rowsAs('', keyed, removed, 'n')} WHERE ${same.join(' AND ')}`]),
    ...(clash === undefined || rows.length === 0
      ? []
      : [`DELETE FROM ${name} t USING ${rowsAs(name, target, rows, 'n')} WHERE ${clash}`]),
    ...(rows.length === 0 ? [] : [insertRows(name, rows)]),
    ...(gone.length === 0 || target.gone === undefined ? [] : [target.gone(gone)]),
  ];
}

/** Rows as a part of FROM. */
function rowsAs(name: string, target: Target, rows: readonly Row[], as: string): Sql {
  const lists = target.columns.map(([column, type], at) => {
    const cells = rows.map((row) => row[at] ?? null);
    if (type === 'bigint') return `${sql`${numbers(cells as (number | null)[])}`}::bigint[]`;
    const isTags = name === 'devices' && column === 'tags';
    const text = (cell: Cell) => (isTags ? packTags(JSON.parse(cell as string) as Tags) : String(cell));
    return `${sql`${texts(cells.map((cell) => (cell === null ? null : text(cell))))}`}::${type}[]`;
  });
  return `unnest(${lists.join(', ')}) AS ${as} (${namesOf(target)})`;
}
