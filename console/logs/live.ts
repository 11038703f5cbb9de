/**
 * The log of a connector as it happens: a page of it, then the stream behind that page. Whenever the stream ends, for
 * whatever reason, the page behind the last known event is asked for first: its answer says what was missed, or why there
 * is no answer (a browser does not tell why a stream was refused). Which lines show is decided in lines.ts.
 */
import { api, device2, unwrap } from '../api/client.ts';
import { ApiFailure, isSessionEnd, Unreachable } from '../api/failure.ts';
import { noteFailure, setStatus } from '../api/status.ts';
import type { LogEvent } from '../api/types.ts';
import { allEventTypes } from '../events/labels.ts';
import {
  addOlder,
  beginBehind,
  beginLines,
  catchUp,
  LINES_MAX,
  type Lines,
  newestSeq,
  oldestSeq,
  type Page,
  receive,
  show,
} from './lines.ts';
import { GOOD_LIFE, pauseBefore } from './retry.ts';
import type { LogSearch } from './search.ts';

export type Connection = 'loading' | 'live' | 'reconnecting' | 'failed';

export interface LiveState {
  /** Null until the first page is there. */
  readonly log: Lines<LogEvent> | null;
  readonly connection: Connection;
  /** Why it will not go on by itself; null while it does. */
  readonly error: unknown;
  readonly loadingOlder: boolean;
  readonly olderError: unknown;
}

export interface LiveLog {
  /** Begins to follow; gives what ends it. */
  start(): () => void;
  subscribe(listener: () => void): () => void;
  state(): LiveState;
  /** Whether the lines stand still, and new ones wait. */
  hold(held: boolean): void;
  /** Puts what waits on the screen. */
  show(): void;
  loadOlder(): Promise<void>;
  /** Ends a pause before the next try. */
  wake(): void;
}

const PAGE = 200;
/** A stream that has been silent for so long may be dead without anybody having noticed, in ms. */
const SILENCE = 30_000;
/** Events that wait for the next frame, at most. */
const INBOX_MAX = 500;
/** Lines are drawn in the next frame, but no more often than this, in ms: in a flood the page has other things to do too. */
const DRAW = 250;

/** `line`: an event that is to be among the lines at first. */
export function createLiveLog(connector: string, { types, identity, line }: LogSearch): LiveLog {
  let state: LiveState = { log: null, connection: 'loading', error: null, loadingOlder: false, olderError: null };
  let held = false;
  let inbox: LogEvent[] = [];
  let frame = 0;
  let drawn = 0;
  let later: number | undefined;
  let wake = () => {};
  const listeners = new Set<() => void>();

  function set(change: Partial<LiveState>): void {
    state = { ...state, ...change };
    for (const listener of listeners) listener();
  }

  function readPage(query: { before?: number; after?: number; limit: number }, signal?: AbortSignal) {
    const path = '/api:1/service/{connector}/device2/events';
    const asked = { ...query, identity, ...(types === undefined ? {} : { types: [types.join(',')] }) };
    return unwrap(api.GET(path, { params: { path: { connector }, query: asked }, signal }));
  }

  function forgetFrame(): void {
    cancelAnimationFrame(frame);
    clearTimeout(later);
    frame = 0;
    later = undefined;
  }

  /** What the stream brought since the last frame becomes lines. */
  function takeInbox(): void {
    forgetFrame();
    drawn = performance.now();
    const events = inbox;
    inbox = [];
    if (state.log !== null && events.length > 0) set({ log: receive(state.log, events, held) });
  }

  function put(event: LogEvent): void {
    inbox.push(event);
    if (inbox.length >= INBOX_MAX) takeInbox();
    else if (frame === 0 && later === undefined) {
      const soon = drawn + DRAW - performance.now();
      if (soon <= 0) frame = requestAnimationFrame(takeInbox);
      else later = window.setTimeout(takeInbox, soon);
    }
  }

  async function readFirst(signal: AbortSignal): Promise<Lines<LogEvent>> {
    const newest = await readPage({ limit: PAGE }, signal);
    if (line === undefined || newest.events.some(({ seq }) => seq <= line)) return beginLines(newest);
    const behind: Page<LogEvent> = await readPage({ before: line + 1, limit: PAGE }, signal);
    return behind.events.length === 0 ? beginLines(newest) : beginBehind(newest, behind);
  }

  async function readMissed(signal: AbortSignal): Promise<void> {
    takeInbox();
    if (state.log === null) set({ log: await readFirst(signal) });
    else {
      const page = await readPage({ after: newestSeq(state.log), limit: LINES_MAX }, signal);
      takeInbox();
      set({ log: catchUp(state.log, page, held) });
    }
    setStatus({ reachable: true });
  }

  /** Resolves when the stream has ended; how long it was open, in ms. */
  function follow(signal: AbortSignal): Promise<number> {
    const query = new URLSearchParams({ after: String(newestSeq(state.log!)) });
    if (types !== undefined) query.set('types', types.join(','));
    if (identity !== undefined) query.set('identity', identity);
    const source = new EventSource(`${device2(connector)}/events/stream?${query}`);
    const { promise, resolve } = Promise.withResolvers<number>();
    let opened: number | null = null;
    let silence = 0;
    const end = () => {
      source.close();
      clearTimeout(silence);
      document.removeEventListener('visibilitychange', endIfHidden);
      signal.removeEventListener('abort', end);
      resolve(opened === null ? 0 : performance.now() - opened);
    };
    // Browsers keep few connections to a host: pages that nobody looks at must not hold them all.
    const endIfHidden = () => document.visibilityState === 'hidden' && end();
    const listen = () => {
      clearTimeout(silence);
      silence = window.setTimeout(check, SILENCE);
    };
    const check = async () => {
      const known = newestSeq(state.log!);
      const page = await readPage({ after: known, limit: 1 }, signal).catch(() => null);
      // Known to the server and not to the stream: it is dead. What came meanwhile shows that it is not.
      if (page === null || page.events.some(({ seq }) => seq > newestSeq(state.log!))) end();
      else listen();
    };
    source.addEventListener('open', () => {
      opened = performance.now();
      set({ connection: 'live' });
      listen();
    });
    source.addEventListener('error', end);
    source.addEventListener('end', end);
    for (const type of allEventTypes) {
      source.addEventListener(type, ({ data }: MessageEvent<string>) => {
        put(JSON.parse(data) as LogEvent);
        listen();
      });
    }
    document.addEventListener('visibilitychange', endIfHidden);
    signal.addEventListener('abort', end);
    return promise;
  }

  /** Until it is time, or `wake`, or the end; null = until then alone. */
  function rest(ms: number | null, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = ms === null ? undefined : window.setTimeout(resolve, ms);
    wake = resolve;
    signal.addEventListener('abort', () => resolve(), { once: true });
    return promise.finally(() => window.clearTimeout(timer));
  }

  async function run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      let pause: number | null;
      try {
        await readMissed(signal);
        set({ error: null });
        if ((await follow(signal)) >= GOOD_LIFE) failures = 0;
        pause = document.visibilityState === 'hidden' ? 0 : pauseBefore(++failures, null);
      } catch (error) {
        if (signal.aborted) return;
        noteFailure(error);
        pause = afterFailure(error, ++failures);
      }
      if (signal.aborted) return;
      if (state.connection !== 'failed') set({ connection: waiting() });
      if (pause !== 0) await rest(pause, signal);
      await untilVisible(signal);
      if (state.connection === 'failed') set({ connection: waiting(), error: null });
    }
  }

  const waiting = () => (state.log === null ? 'loading' : 'reconnecting');

  /** ms to wait; null where somebody has to do something first. */
  function afterFailure(error: unknown, failures: number): number | null {
    if (isSessionEnd(error)) return null;
    const passing = error instanceof ApiFailure && (error.status >= 500 || error.status === 429);
    if (error instanceof Unreachable || passing) {
      if (state.log === null) set({ error });
      return pauseBefore(failures, error instanceof ApiFailure ? error.retryAfter : null);
    }
    set({ connection: 'failed', error });
    return null;
  }

  return {
    start() {
      const end = new AbortController();
      void run(end.signal);
      return () => {
        end.abort();
        forgetFrame();
      };
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    state: () => state,
    hold(now) {
      takeInbox();
      held = now;
      if (!held && state.log !== null && state.log.waiting.length > 0) set({ log: show(state.log) });
    },
    show() {
      takeInbox();
      if (state.log !== null) set({ log: show(state.log) });
    },
    async loadOlder() {
      const asked = state.log === null ? undefined : oldestSeq(state.log);
      if (asked === undefined || state.loadingOlder) return;
      set({ loadingOlder: true, olderError: null });
      try {
        const page = await readPage({ before: asked, limit: PAGE });
        takeInbox();
        // Lines may have gone from the end while the answer was on its way.
        if (state.log !== null && oldestSeq(state.log) === asked) set({ log: addOlder(state.log, page) });
      } catch (error) {
        noteFailure(error);
        set({ olderError: error });
      } finally {
        set({ loadingOlder: false });
      }
    },
    wake: () => wake(),
  };
}

function untilVisible(signal: AbortSignal): Promise<void> {
  if (document.visibilityState === 'visible') return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = () => document.visibilityState === 'visible' && resolve();
  document.addEventListener('visibilitychange', look);
  signal.addEventListener('abort', () => resolve(), { once: true });
  return promise.finally(() => document.removeEventListener('visibilitychange', look));
}
