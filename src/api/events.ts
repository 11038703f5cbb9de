/** Handlers of the log: a page of it, and the same as a stream, of server-sent events or of lines. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { type EventType, eventTypes } from '../domain/connector.ts';
import type { StoredEvent } from '../domain/device.ts';
import { AppError } from '../domain/errors.ts';
import { type TailQuery, tailEvents } from '../events/tail.ts';
import type { Store } from '../store/store.ts';
import { isLive } from './admit.ts';
import { type Call, handle } from './context.ts';
import { findConnector } from './lookup.ts';
import { connectorParams } from './schema/common.ts';
import { eventLines, eventPage, eventStream, eventsQuery, linesQuery, streamQuery } from './schema/data.ts';
import { type BoundedLog, boundedLog } from './stream-room.ts';
import { schemaError } from './validation.ts';

const PAGE = 100;
/** Events that are read at a time for lines of them. */
const LINES_PAGE = 200;
/** Each open stream holds a socket, a cursor and at most one page. */
const STREAMS_MAX = 500;
/** Of one session: a browser with many tabs, not everybody's share. */
const SESSION_STREAMS_MAX = 20;
/** Bytes that a stream writes before others get their turn. */
const TURN_BYTES = 65_536;

export const listEvents = handle(
  { params: connectorParams, querystring: eventsQuery, response: { 200: eventPage } },
  async ({ deps, params, query }) => {
    const { settings } = await findConnector(deps.store, params.connector);
    const { identity, before, after, limit = PAGE } = query;
    const types = readTypes(query.types) ?? settings.events.types;
    return deps.store.readEvents(params.connector, { types, identity, before, after, limit });
  },
);

/** Goes on after `Last-Event-ID`, else after `?after=`, else with what happens from now on. Ends with the session. */
export const streamEvents = handle(
  { params: connectorParams, querystring: streamQuery, response: { 200: eventStream } },
  async (call) => {
    const { deps, params, query } = call;
    const { settings } = await findConnector(deps.store, params.connector);
    const types = readTypes(query.types) ?? settings.events.types;
    const after = readLastEventId(call.request.headers['last-event-id']) ?? query.after ?? (await deps.store.lastSeq());
    const end = openStream(call as unknown as Call, serverSent);
    const found = { types, identity: query.identity, after };
    const log = boundedLog(call, end);
    void pump(call as unknown as Call, tailEvents(log, params.connector, found, end.signal), log, end, serverSent);
  },
);

/** Lines of JSON after `?after=`, or all that are kept: up to the newest one, or with `follow=true` without end. */
export const exportEvents = handle(
  { params: connectorParams, querystring: linesQuery, response: { 200: eventLines } },
  async (call) => {
    const { deps, params, query } = call;
    const { settings } = await findConnector(deps.store, params.connector);
    const types = readTypes(query.types) ?? settings.events.types;
    const head = await deps.store.lastSeq();
    const end = openStream(call as unknown as Call, lines);
    const found = { types, identity: query.identity, after: query.after ?? 0 };
    const log = boundedLog(call, end);
    const pages =
      query.follow === true
        ? tailEvents(log, params.connector, found, end.signal)
        : eventsUpTo(log, params.connector, found, head);
    void pump(call as unknown as Call, pages, log, end, lines);
  },
);

/** How events are written, and what stands around them. */
interface Format {
  readonly type: string;
  readonly begin: string;
  readonly frame: (event: StoredEvent) => string;
  /** A sign of life. */
  readonly beat: string;
  /** Told when the session has ended. */
  readonly sessionEnd: string;
}

const serverSent: Format = {
  type: 'text/event-stream; charset=utf-8',
  begin: 'retry: 2000\n\n',
  // `id:` is what a browser sends back as Last-Event-ID. JSON has no line breaks of its own.
  frame: (event) => `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`,
  beat: ':\n\n',
  sessionEnd: 'event: end\ndata: {"code":"SESSION_INVALID"}\n\n',
};
const lines: Format = {
  type: 'application/x-ndjson; charset=utf-8',
  begin: '',
  frame: (event) => `${JSON.stringify(event)}\n`,
  beat: '',
  sessionEnd: '',
};

/** Takes a place among the streams, for as long as the connection stands, and begins the answer. OVERLOADED */
function openStream(call: Call, format: Format): AbortController {
  const { state, reply, caller } = call;
  const { digest, id: account } = caller!;
  const own = [...state.streams.values()].filter((stream) => stream.digest === digest).length;
  if (state.streams.size >= STREAMS_MAX || own >= SESSION_STREAMS_MAX) {
    const seen = `${state.streams.size} open event streams, ${own} of this session`;
    const wanted = `fewer than ${STREAMS_MAX}, and ${SESSION_STREAMS_MAX} of a session`;
    throw new AppError('OVERLOADED', { seen, wanted, retryAfter: 10 });
  }
  const end = new AbortController();
  const check = () => endUnlessLive(call, end, format);
  // Who left while the store was asked leaves no more.
  if (reply.raw.destroyed) end.abort();
  else {
    state.streams.set(end, { digest, account, raw: reply.raw, check, held: 0 });
    reply.raw.on('close', () => {
      state.streams.delete(end);
      end.abort();
    });
  }
  reply.hijack();
  reply.raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': format.type,
    'x-accel-buffering': 'no',
  });
  reply.raw.write(format.begin);
  reply.raw.flushHeaders();
  // The session may have ended since it was looked at, and nobody tells of that twice.
  check();
  return end;
}

async function pump(
  call: Call,
  pages: AsyncIterable<StoredEvent[]>,
  log: BoundedLog,
  end: AbortController,
  format: Format,
): Promise<void> {
  const { deps, reply, params, caller } = call;
  const { connector } = params as unknown as { connector: string };
  const beat = startHeartbeat(call, end, format);
  try {
    for await (const events of pages) {
      if (!(await isLive(deps.store, caller!, deps.clock()))) endStream(reply.raw, end, format);
      if (end.signal.aborted) break;
      await send(reply.raw, events, log, end.signal, format);
    }
    // Lines that end in order are all that there were.
    if (format === lines && end.signal.aborted) reply.raw.destroy();
    else reply.raw.end();
  } catch (error) {
    // A connector that was deleted, a store that closes: the client comes back and is told.
    if (!end.signal.aborted) deps.logger.warn('event stream ended', { connector, error });
    if (format === lines) reply.raw.destroy();
    else reply.raw.end();
  } finally {
    log.close();
    clearInterval(beat);
  }
}

/** Pages of events, oldest first, up to a number. */
async function* eventsUpTo(store: Pick<Store, 'readEvents'>, connector: string, query: TailQuery, head: number) {
  for (let { after } = query; ; ) {
    const page = await store.readEvents(connector, {
      ...query,
      after,
      before: head + 1,
      order: 'oldest',
      limit: LINES_PAGE,
    });
    after = page.events.at(-1)?.seq ?? after;
    if (page.events.length > 0) yield page.events;
    if (!page.mayLoadMore) return;
  }
}

/** Writes a little at a time, and no faster than it is read: other requests have their turn in between. Empties `events`. */
async function send(
  raw: ServerResponse,
  events: StoredEvent[],
  log: BoundedLog,
  signal: AbortSignal,
  { frame }: Format,
): Promise<void> {
  const texts: string[] = [];
  let waiting = 0;
  for (const event of events) {
    const text = frame(event);
    texts.push(text);
    if (Math.floor((waiting + text.length) / TURN_BYTES) > Math.floor(waiting / TURN_BYTES)) await setImmediate();
    waiting += text.length;
  }
  // Whoever is suspended with this page in hand keeps nothing of it.
  events.length = 0;
  for (let text = texts.shift(); text !== undefined; text = texts.shift()) {
    log.holds(waiting);
    waiting -= text.length;
    if (!raw.write(text)) await once(raw, 'drain', { signal });
  }
  log.holds(0);
}

/** Keeps proxies from closing the stream, and ends it once the session has ended or the client stopped reading. */
function startHeartbeat(call: Call, end: AbortController, format: Format): NodeJS.Timeout {
  const { state, reply } = call;
  let stuck = 0;
  return setInterval(() => {
    stuck = reply.raw.writableNeedDrain ? stuck + 1 : 0;
    if (stuck > 2) return void reply.raw.destroy();
    if (stuck === 0) reply.raw.write(format.beat);
    endUnlessLive(call, end, format);
  }, state.heartbeat);
}

function endUnlessLive({ deps, caller, reply }: Call, end: AbortController, format: Format): void {
  isLive(deps.store, caller!, deps.clock()).then(
    (live) => live || endStream(reply.raw, end, format),
    () => {}, // the next beat asks again
  );
}

function endStream(raw: ServerResponse, end: AbortController, { sessionEnd }: Format): void {
  if (end.signal.aborted) return;
  raw.write(sessionEnd);
  end.abort();
}

/** Names may be repeated, or stand in one value with commas between. SCHEMA for a name that is no type. */
function readTypes(given: readonly string[] | undefined): EventType[] | undefined {
  const names = given?.flatMap((value) => value.split(',')).filter((name) => name !== '') ?? [];
  for (const name of names) {
    if (!(eventTypes as readonly string[]).includes(name)) {
      throw schemaError([{ path: 'types', seen: name, expected: eventTypes.join(', ') }]);
    }
  }
  return names.length === 0 ? undefined : ([...new Set(names)] as EventType[]);
}

/** HEADER_INVALID for what no stream of ours has given. */
function readLastEventId(header: string | string[] | undefined): number | undefined {
  if (header === undefined || header === '') return undefined;
  if (typeof header === 'string' && /^\d{1,15}$/.test(header)) return Number(header);
  throw new AppError('HEADER_INVALID', { seen: `Last-Event-ID ${header}`, wanted: 'the sequence number of an event' });
}
