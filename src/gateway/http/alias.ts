/** /stack/alias: write, read, long poll, and both in one (device-http.md). */
import { AppError } from '../../domain/errors.ts';
import { parseTimestamp } from '../../domain/record.ts';
import type { Session } from '../sessions.ts';
import type { DoorDeps, Exchange, Handler } from './context.ts';
import { decodeForm, encodeForm, parseForm } from './form.ts';
import { form, noContent, notModified, type Reply } from './reply.ts';

/** Aliases of one read. */
const ALIASES_MAX = 256;
/** µs. */
const SECOND = 1_000_000;
/** Longest wait, ms; more counts as this. */
const WAIT_MAX = 300_000;

/** POST: writes; with aliases in the query, reads afterwards (hybrid). */
export const writeAlias: Handler = async (exchange, deps) => {
  const session = exchange.session ?? (await exchange.authenticate());
  deps.data.admit(session);
  const pairs = parseForm(exchange.request.body);
  const aliases = exchange.query === '' ? null : aliasesIn(exchange.query);
  try {
    await deps.data.write(session, pairs, exchange.origin);
  } catch (error) {
    throw shownInLog(error, exchange, deps, session);
  }
  return aliases === null ? noContent : read(session, aliases, exchange, deps);
};

/** GET: reads, or waits for a change. */
export const readAlias: Handler = async (exchange, deps) => {
  const session = exchange.session ?? (await exchange.authenticate());
  deps.data.admit(session);
  const aliases = aliasesIn(exchange.query);
  const { requestTimeout } = exchange.request;
  if (requestTimeout === undefined) return read(session, aliases, exchange, deps);
  return poll(exchange, deps, session, aliases, waitOf(requestTimeout));
};

/** A value that its resource refuses is shown in the log, as the device may have no other way to tell. Gives the error back. */
export function shownInLog(
  error: unknown,
  { connector, origin }: Exchange,
  { admission, directory }: DoorDeps,
  { ref }: Session,
): unknown {
  return admission.refused(error, connector ?? directory.get(ref.connector) ?? null, ref.identity, origin);
}

async function read(
  session: Session,
  aliases: readonly string[],
  { origin }: Exchange,
  { data }: DoorDeps,
): Promise<Reply> {
  const values = await data.read(session, aliases, origin);
  const pairs = aliases.flatMap((alias, at) => {
    const found = values[at];
    return found === undefined ? [] : [`${encodeForm(alias)}=${encodeForm(found.value)}`];
  });
  return pairs.length === 0 ? noContent : form(pairs.join('&'));
}

/** Answers at once if something was set after `If-Modified-Since`, else with the first change, or 304. */
async function poll(
  exchange: Exchange,
  deps: DoorDeps,
  first: Session,
  aliases: readonly string[],
  ms: number,
): Promise<Reply> {
  const { data, waiting, clock } = deps;
  const until = clock() + ms * 1000;
  const { at: since, whole } = sinceOf(exchange.request.ifModifiedSince) ?? { at: clock(), whole: false };
  let session = first;
  for (;;) {
    // Registered before the store is read: a change in between wakes too.
    const wait = waiting.wait(session.ref.key, aliases, Math.max(0, Math.ceil((until - clock()) / 1000)));
    const stopListening = exchange.onGone(wait.end);
    try {
      const values = await data.read(session, aliases, exchange.origin);
      const changed = values.findIndex((value, at) => {
        if (value === undefined || value.at <= since) return false;
        // A date has no fractions: of what was set within its second, the device knows what it was told.
        return !(whole && value.at < since + SECOND && session.news?.get(aliases[at]!) === value.at);
      });
      if (changed !== -1) return newsOf(session, aliases[changed]!, values[changed]!);
      const reason = await wait.woken;
      if (reason === 'timeout' || reason === 'gone') return notModified;
      if (reason === 'stopping') throw new AppError('STOPPING', { retryAfter: 1 });
      // Its credential or lock changed: whoever may not go on is told so now.
      if (reason === 'dropped') session = await exchange.authenticate();
    } finally {
      stopListening();
      wait.end();
    }
  }
}

function newsOf(session: Session, alias: string, { value, at }: { value: string; at: number }): Reply {
  session.news ??= new Map();
  if (session.news.size >= ALIASES_MAX) session.news.clear();
  session.news.set(alias, at);
  const modified = `Last-Modified: ${new Date(at / 1000).toUTCString()}\r\nX-Last-Modified-Us: ${at}\r\n`;
  return form(`${encodeForm(alias)}=${encodeForm(value)}`, modified);
}

function aliasesIn(query: string): string[] {
  const aliases = query
    .split('&')
    .map((piece) => decodeForm(piece.split('=', 1)[0]!))
    .filter((alias) => alias !== '');
  if (aliases.length === 0) throw new AppError('ALIAS_INVALID', { seen: 'no alias', wanted: '?<alias>&<alias>…' });
  if (aliases.length > ALIASES_MAX) {
    throw new AppError('ALIAS_INVALID', { seen: `${aliases.length} aliases`, wanted: `at most ${ALIASES_MAX}` });
  }
  return aliases;
}

function waitOf(text: string): number {
  if (!/^\d{1,15}$/.test(text))
    throw new AppError('HEADER_INVALID', { seen: `Request-Timeout: ${text}`, wanted: 'milliseconds' });
  return Math.min(Number(text), WAIT_MAX);
}

/** Epoch seconds, fractions allowed, or an HTTP-date, which stands for a `whole` second; µs. HEADER_INVALID. */
function sinceOf(text: string | undefined): { at: number; whole: boolean } | null {
  if (text === undefined) return null;
  const exact = parseTimestamp(text);
  if (exact !== null) return { at: exact, whole: false };
  const at = Date.parse(text) * 1000;
  if (!Number.isNaN(at)) return { at, whole: true };
  throw new AppError('HEADER_INVALID', { seen: `If-Modified-Since: ${text}`, wanted: 'epoch seconds or an HTTP-date' });
}
