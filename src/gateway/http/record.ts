/** POST /stack/record and /stack/alias/<alias>: back-dated data (device-http.md). */
import { AppError } from '../../domain/errors.ts';
import { parseTimestamp } from '../../domain/record.ts';
import type { RecordedPoint } from '../data.ts';
import { shownInLog } from './alias.ts';
import type { DoorDeps, Exchange, Handler } from './context.ts';
import { decodeForm, encodeForm, type Pair, parseForm } from './form.ts';
import { noContent, type Reply } from './reply.ts';

/** `alias=<a>&<ts>=<value>&…&alias=<b>&<ts>=<value>` */
export const recordMany: Handler = async (exchange, deps) => {
  let alias: string | null = null;
  const points: RecordedPoint[] = [];
  for (const [name, value] of parseForm(exchange.request.body)) {
    if (name === 'alias') alias = value;
    else if (alias === null)
      throw new AppError('BODY_INVALID', { seen: `${name}=… first`, wanted: 'alias=<alias> first' });
    else points.push(toPoint(alias, [name, value]));
  }
  return store(exchange, deps, points);
};

/** `<ts>=<value>&…`, all of the alias in the path. */
export const recordOne: Handler = async (exchange, deps) => {
  const alias = decodeForm(exchange.path.slice('/stack/alias/'.length).replaceAll('+', '%2B'));
  return store(
    exchange,
    deps,
    parseForm(exchange.request.body).map((pair) => toPoint(alias, pair)),
  );
};

async function store(exchange: Exchange, deps: DoorDeps, points: readonly RecordedPoint[]): Promise<Reply> {
  const session = exchange.session ?? (await exchange.authenticate());
  deps.data.admit(session);
  if (points.length === 0) throw new AppError('BODY_INVALID', { seen: 'no points', wanted: '<timestamp>=<value>' });
  const conflicts = await deps.data.record(session, points, exchange.origin).catch((error) => {
    throw shownInLog(error, exchange, deps, session);
  });
  if (conflicts.length === 0) return noContent;
  const body = conflicts.map(({ alias, texts }) => `${encodeForm(alias)}=${texts.map(encodeForm).join(',')}`).join('&');
  throw new AppError('RECORD_CONFLICT', { body });
}

function toPoint(alias: string, [text, value]: Pair): RecordedPoint {
  const timestamp = parseTimestamp(text);
  if (timestamp === null) throw new AppError('TIMESTAMP_INVALID', { seen: text });
  return { alias, timestamp, text, value };
}
