/** /provision/download and /provision/upload: files for devices, and files of devices (device-http.md, Content). */
import { AppError } from '../../domain/errors.ts';
import { etagOf, httpDate, partOf } from '../../domain/range.ts';
import type { Download } from '../content.ts';
import type { Session } from '../sessions.ts';
import type { DoorDeps, Exchange, Handler } from './context.ts';
import { decodeForm } from './form.ts';
import { failure, noContent, type Reply } from './reply.ts';

const csv = 'text/csv; charset=utf-8';

/** Without `id` the ids, one a line; with `info=true` what it is; else the file, or a part of it. */
export const download: Handler = async (exchange, deps) => {
  const session = exchange.session ?? (await exchange.authenticate());
  deps.data.admit(session);
  const id = parameter(exchange.query, 'id');
  if (id === undefined) return listOf(await deps.content.list(session));
  if (parameter(exchange.query, 'info') === 'true') return describe(session, id, deps);
  return send(await deps.content.open(session, id, exchange.origin), session, exchange, deps);
};

/** Body = the file. */
export const upload: Handler = async (exchange, deps) => {
  const session = exchange.session ?? (await exchange.authenticate());
  deps.data.admit(session);
  const { body, contentType } = exchange.request;
  const id = parameter(exchange.query, 'id');
  if (id === undefined) throw new AppError('CONTENT_INVALID', { seen: 'no id', wanted: '?id=<id>' });
  await deps.content.take(session, id, contentType, body, exchange.origin);
  return noContent;
};

function listOf(ids: readonly string[]): Reply {
  if (ids.length === 0) return noContent;
  return { status: 200, headers: '', body: ids.map((id) => `${id}\n`).join(''), type: csv };
}

/** `<content-type>,<bytes>,<updated epoch s>,<meta>` */
async function describe(session: Session, id: string, { content }: DoorDeps): Promise<Reply> {
  const { type, bytes, updated, meta } = await content.describe(session, id);
  return { status: 200, headers: '', body: `${type},${bytes},${Math.floor(updated / 1_000_000)},${meta}`, type: csv };
}

async function send(
  download: Download,
  session: Session,
  { request }: Exchange,
  { admission }: DoorDeps,
): Promise<Reply> {
  const { bytes, sha256, updated, type } = download.content;
  const etag = etagOf(sha256);
  const asked = partOf(request.range, request.ifRange, bytes, { etag, updated });
  const validators = `Accept-Ranges: bytes\r\nETag: ${etag}\r\nLast-Modified: ${httpDate(updated)}\r\n`;
  if (asked === 'none') {
    await download.close();
    const error = new AppError('RANGE_UNMET', { seen: `Range: ${request.range}`, wanted: `bytes below ${bytes}` });
    return failure(error, `Content-Range: bytes */${bytes}\r\n`);
  }
  const part = asked === 'whole' ? { start: 0, end: bytes - 1 } : asked;
  const range = asked === 'whole' ? '' : `Content-Range: bytes ${part.start}-${part.end}/${bytes}\r\n`;
  let current = session;
  return {
    status: asked === 'whole' ? 200 : 206,
    headers: `${validators}${range}`,
    body: undefined,
    type,
    file: {
      bytes: part.end - part.start + 1,
      pieces: () => download.pieces(part),
      holds: () => admission.holds(current),
      async renew() {
        current = await current.renew();
      },
      onDropped: download.onDropped,
      sent: () => download.sent(part),
      close: download.close,
    },
  };
}

/** The first of a query's parameters with this name, decoded. */
function parameter(query: string, name: string): string | undefined {
  const pair = query.split('&').find((pair) => pair.startsWith(`${name}=`));
  return pair === undefined ? undefined : decodeForm(pair.slice(name.length + 1));
}
