/** Handlers of files for devices: list, describe, download, offer, delete, and who fetched them. How they come in: store.ts. */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import {
  type Content,
  checkContentMeta,
  checkContentType,
  expectNoRollout,
  formatOffer,
  type Offer,
  parseOffer,
} from '../../domain/content.ts';
import { AppError } from '../../domain/errors.ts';
import { etagOf, httpDate, type Part, partOf } from '../../domain/range.ts';
import { percentOf } from '../../domain/rollout.ts';
import type { ContentReader, DeviceFilter } from '../../store/store.ts';
import { whileLive } from '../admit.ts';
import { type Call, handle } from '../context.ts';
import { findConnector } from '../lookup.ts';
import { connectorParams, empty, ref } from '../schema/common.ts';
import {
  contentBytes,
  contentInfo,
  contentPage,
  contentParams,
  contentPatch,
  contentQuery,
  fetchesQuery,
  fetchPage,
} from '../schema/content.ts';
import { auditedContent } from '../trail.ts';
import { viewContent } from './view.ts';

const PAGE = 100;
/** Bytes that one download holds in memory. */
const PIECE = 65_536;

export const listContent = handle(
  { params: connectorParams, querystring: contentQuery, response: { 200: contentPage } },
  async ({ deps, params, query }) => {
    await findConnector(deps.store, params.connector);
    const page = await deps.store.listContent(params.connector, { ...query, limit: query.limit ?? PAGE });
    return { content: page.content.map(viewContent), mayLoadMore: page.mayLoadMore };
  },
);

/** CONTENT_UNKNOWN */
export const describeContent = handle(
  { params: contentParams, response: { 200: contentInfo } },
  async ({ deps, params, now }) => {
    const content = await findContent(deps.store, params);
    const filter = filterOf(content.offer);
    const devices = filter === null ? 0 : await deps.store.countDevices(params.connector, filter, now);
    const percent = content.rollout === null ? 100 : percentOf(content.rollout);
    const figures = await deps.store.readRolloutFigures(params.connector, params.content);
    return {
      ...viewContent(content),
      figures: { devices, chosen: Math.round((devices * percent) / 100), ...figures },
    };
  },
);

/** Range and If-Range (RFC 9110, 14); always as a download, never shown as a page of this server. CONTENT_UNKNOWN, RANGE_UNMET. */
export const downloadContent = handle(
  { params: contentParams, response: { 200: contentBytes, 206: contentBytes } },
  async (call) => {
    const { deps, params, request, reply } = call;
    await findConnector(deps.store, params.connector);
    const reader = await deps.store.openContent(params.connector, params.content);
    if (reader === null) throw unknown(params.content);
    const { bytes, sha256, updated, type, id } = reader.content;
    const etag = etagOf(sha256);
    const ifRange = request.headers['if-range'] as string | undefined;
    const asked = partOf(request.headers.range, ifRange, bytes, { etag, updated });
    reply.headers({ 'accept-ranges': 'bytes', etag, 'last-modified': httpDate(updated) });
    if (asked === 'none') {
      await reader.close();
      reply.header('content-range', `bytes */${bytes}`);
      throw new AppError('RANGE_UNMET', { seen: `Range: ${request.headers.range}`, wanted: `bytes below ${bytes}` });
    }
    const part = asked === 'whole' ? { start: 0, end: bytes - 1 } : asked;
    if (asked !== 'whole') reply.code(206).header('content-range', `bytes ${part.start}-${part.end}/${bytes}`);
    reply.headers({
      'content-type': type,
      'content-length': part.end - part.start + 1,
      'content-disposition': `attachment; filename="${id.slice(id.lastIndexOf('/') + 1)}"`,
      'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
    });
    if (request.method !== 'HEAD') return bodyOf(reader, whileLive(call, piecesOf(reader, part)), reply.raw);
    await reader.close();
    return Readable.from([]);
  },
);

/** CONTENT_UNKNOWN, CONTENT_INVALID, CONTENT_LIMIT, ROLLOUT_STATE */
export const changeContent = handle(
  { params: contentParams, body: contentPatch, response: { 200: ref('Content') } },
  async (call) => {
    const { deps, params, body } = call;
    await findConnector(deps.store, params.connector);
    const decide = auditedContent(call, params.connector, params.content, (before) => {
      if (before === null) throw unknown(params.content);
      const offer = body.offer === undefined ? before.offer : parseOffer(body.offer);
      if (formatOffer(offer) !== formatOffer(before.offer)) expectNoRollout(before);
      const content: Content = {
        ...before,
        type: body.type === undefined ? before.type : checkContentType(body.type),
        meta: body.meta === undefined ? before.meta : checkContentMeta(body.meta),
        offer,
      };
      return { answer: content, content };
    });
    return viewContent(await deps.store.changeContent(params.connector, params.content, decide));
  },
);

/** CONTENT_UNKNOWN */
export const deleteContent = handle({ params: contentParams, response: { 204: empty } }, async (call) => {
  const { deps, params } = call;
  await findConnector(deps.store, params.connector);
  const decide = auditedContent(call, params.connector, params.content, (before) => {
    if (before === null) throw unknown(params.content);
    return { answer: null, content: null };
  });
  await deps.store.changeContent(params.connector, params.content, decide);
});

/** CONTENT_UNKNOWN */
export const listFetches = handle(
  { params: contentParams, querystring: fetchesQuery, response: { 200: fetchPage } },
  async ({ deps, params, query }) => {
    const { sha256 } = await findContent(deps.store, params);
    const { before, limit = PAGE } = query;
    const page = await deps.store.listFetches(params.connector, params.content, { before, limit });
    const fetches = page.fetches.map((fetch) => ({ ...fetch, current: fetch.sha256 === sha256 }));
    return { fetches, mayLoadMore: page.mayLoadMore };
  },
);

/** CONNECTOR_UNKNOWN, CONTENT_UNKNOWN */
async function findContent(
  store: Call['deps']['store'],
  { connector, content: id }: { connector: string; content: string },
): Promise<Content> {
  await findConnector(store, connector);
  const content = await store.getContent(connector, id);
  if (content === null) throw unknown(id);
  return content;
}

const unknown = (id: string) => new AppError('CONTENT_UNKNOWN', { seen: id });

/** Which devices a file is for; null: none. */
function filterOf(offer: Offer): DeviceFilter | null {
  switch (offer.to) {
    case 'all':
      return {};
    case 'none':
      return null;
    case 'tag':
      return { tags: [{ name: offer.name, value: offer.value }] };
    case 'batch':
      return { batch: offer.batch };
  }
}

/** Closes the reader however it ends, also if nobody ever reads: the client may be gone already. */
function bodyOf(reader: ContentReader, pieces: AsyncIterable<Uint8Array>, answer: ServerResponse): Readable {
  const body = Readable.from(pieces, { objectMode: false });
  body.once('close', () => void reader.close());
  if (answer.destroyed) body.destroy();
  else answer.once('close', () => body.destroy());
  return body;
}

async function* piecesOf(reader: ContentReader, { start, end }: Part): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = start; at <= end; ) {
    const piece = await reader.read(at, Math.min(PIECE, end + 1 - at));
    at += piece.length;
    yield piece;
  }
}
