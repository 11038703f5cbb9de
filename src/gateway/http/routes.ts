/** The table of contents of the device door: path → method → handler. */
import { AppError } from '../../domain/errors.ts';
import type { Endpoint } from '../../metrics/tally.ts';
import { activateDevice } from './activate.ts';
import { readAlias, writeAlias } from './alias.ts';
import { download, upload } from './content.ts';
import type { Handler } from './context.ts';
import { recordMany, recordOne } from './record.ts';
import { plain } from './reply.ts';

/** A handler, and its place among `endpoints`. */
interface Served {
  readonly handler: Handler;
  readonly endpoint: number;
}
type Methods = Partial<Record<'GET' | 'POST', Served>>;

/** What figures tell apart; the first one stands for whatever is none of the others. */
export const endpoints: Endpoint[] = [{ method: 'other', route: 'none' }];
/** Place of that one. */
export const NO_ENDPOINT = 0;

function at(route: string, handlers: Partial<Record<'GET' | 'POST', Handler>>): Methods {
  const served = Object.entries(handlers).map(([method, handler]) => {
    const endpoint = endpoints.push({ method, route }) - 1;
    return [method, { handler, endpoint }] as const;
  });
  return Object.fromEntries(served);
}

const alias = at('/stack/alias', { GET: readAlias, POST: writeAlias });
const aliasHistory = at('/stack/alias/{alias}/{timestamp}', { POST: recordOne });
const table: Readonly<Record<string, Methods>> = {
  '/stack/alias': alias,
  '/stack/alias/': alias,
  '/stack/record': at('/stack/record', { POST: recordMany }),
  '/provision/activate': at('/provision/activate', { POST: activateDevice }),
  '/provision/download': at('/provision/download', { GET: download }),
  '/provision/upload': at('/provision/upload', { POST: upload }),
  '/timestamp': at('/timestamp', {
    GET: async (_exchange, { clock }) => plain(String(Math.floor(clock() / 1_000_000))),
  }),
  '/ip': at('/ip', { GET: async ({ origin }) => plain(origin.ip) }),
};

/** Paths that are there without a prefix too. */
const bare = new Set(['/provision/activate', '/provision/download', '/provision/upload', '/timestamp', '/ip']);
/** device-http.md: the same thing by two names; some clients encode the colon. */
const prefix = /^\/(?:api|onep)(?::|%3[aA])v1(?=\/)/;

export interface Target {
  /** Without prefix and query. */
  readonly path: string;
  readonly query: string;
  readonly methods: Methods | undefined;
  /** Host of an absolute target (RFC 9112, 3.2.2); null for the usual form. */
  readonly host: string | null;
}

/** Most devices ask for the same few paths again and again; queries differ and are not remembered. */
const remembered = new Map<string, Target>();
const REMEMBERED_MAX = 64;
const TARGET_REMEMBERED = 32;

export function parseTarget(target: string): Target {
  const known = remembered.get(target);
  if (known !== undefined) return known;
  const parsed = readTarget(target);
  if (Object.hasOwn(table, parsed.path) && target.length <= TARGET_REMEMBERED && remembered.size < REMEMBERED_MAX) {
    remembered.set(target, parsed);
  }
  return parsed;
}

function readTarget(target: string): Target {
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/i.exec(target);
  const local = absolute === null ? target : absolute[2] || '/';
  const mark = local.indexOf('?');
  const full = mark === -1 ? local : local.slice(0, mark);
  const query = mark === -1 ? '' : local.slice(mark + 1);
  const path = full.replace(prefix, '');
  const known = path !== full || bare.has(path);
  return { path, query, methods: known ? methodsOf(path) : undefined, host: absolute?.[1] ?? null };
}

function methodsOf(path: string): Methods | undefined {
  if (Object.hasOwn(table, path)) return table[path];
  return path.startsWith('/stack/alias/') ? aliasHistory : undefined;
}

/** PATH_UNKNOWN, or METHOD_NOT_ALLOWED with what the path takes. */
export function servedBy({ path, methods }: Target, method: string): Served {
  if (methods === undefined) throw new AppError('PATH_UNKNOWN', { seen: path });
  const served = Object.hasOwn(methods, method) ? methods[method as 'GET' | 'POST'] : undefined;
  if (served === undefined) throw new AppError('METHOD_NOT_ALLOWED', { seen: method, wanted: namesOf(methods) });
  return served;
}

/** The `Allow` header, with its CRLF (RFC 9110, 10.2.1). */
export function allowOf({ methods = {} }: Target): string {
  return `Allow: ${namesOf(methods)}\r\n`;
}

const namesOf = (methods: Methods) => Object.keys(methods).join(', ');
