/**
 * Which events the log shows, and which wait. Two windows into the log of the server, each whole in itself, newest first:
 * `lines` are on the screen, `waiting` are newer. Pages and the stream may bring the same event any number of times; it is
 * taken once. Knows nothing of the network, of React, or of what an event says.
 */

/** Most lines on the screen, and most that wait. */
export const LINES_MAX = 300;

export interface Numbered {
  readonly seq: number;
}

export interface Lines<E extends Numbered> {
  readonly lines: readonly E[];
  /** Newer than all `lines`. */
  readonly waiting: readonly E[];
  /** Between `waiting` and `lines` there are events that this page does not hold. */
  readonly gap: boolean;
  /** How many have come since the lines stood still; with a gap, there may be more. */
  readonly fresh: number;
  /** The server has events that are older than the last line. */
  readonly mayLoadOlder: boolean;
}

/** As the server answers: newest first. */
export interface Page<E extends Numbered> {
  readonly events: readonly E[];
  readonly mayLoadMore: boolean;
}

/** The first page, of the newest. */
export function beginLines<E extends Numbered>(page: Page<E>, max = LINES_MAX): Lines<E> {
  const lines = page.events.slice(0, max);
  const mayLoadOlder = page.mayLoadMore || lines.length < page.events.length;
  return { lines, waiting: [], gap: false, fresh: 0, mayLoadOlder };
}

/** A log that is read from further back; the newest wait. */
export function beginBehind<E extends Numbered>(newest: Page<E>, page: Page<E>, max = LINES_MAX): Lines<E> {
  const { lines, mayLoadOlder } = beginLines(page, max);
  const top = lines[0]?.seq ?? -1;
  const newer = newest.events.filter(({ seq }) => seq > top);
  const waiting = newer.slice(0, max);
  const meets = newer.length < newest.events.length && waiting.length === newer.length;
  return { lines, waiting, gap: waiting.length > 0 && !meets, fresh: 0, mayLoadOlder };
}

/** The last number that is known; 0 before the first event, as numbers begin with 1. */
export function newestSeq({ waiting, lines }: Lines<Numbered>): number {
  return (waiting[0] ?? lines[0])?.seq ?? 0;
}

/** The number of the last line; undefined where there is none. */
export const oldestSeq = ({ lines }: Lines<Numbered>) => lines.at(-1)?.seq;

/**
 * Events from the stream, in any order, that follow what is known without a gap. `hold`: the lines stand still, and new
 * ones wait.
 */
export function receive<E extends Numbered>(
  log: Lines<E>,
  events: readonly E[],
  hold: boolean,
  max = LINES_MAX,
): Lines<E> {
  const known = newestSeq(log);
  const bySeq = new Map(events.filter(({ seq }) => seq > known).map((event) => [event.seq, event]));
  if (bySeq.size === 0) return log;
  const news = [...bySeq.values()].sort((a, b) => b.seq - a.seq);
  const all = [...news, ...log.waiting];
  const waited = {
    ...log,
    waiting: all.slice(0, max),
    gap: log.gap || all.length > max,
    fresh: log.fresh + news.length,
  };
  return hold ? waited : show(waited, max);
}

/** What the server has after the newest known event, as one page of the newest; there may be a gap below it. */
export function catchUp<E extends Numbered>(log: Lines<E>, page: Page<E>, hold: boolean, max = LINES_MAX): Lines<E> {
  if (!page.mayLoadMore) return receive(log, page.events, hold, max);
  const fresh = log.fresh + page.events.length;
  const jumped = { ...log, waiting: page.events.slice(0, max), gap: true, fresh };
  return hold ? jumped : show(jumped, max);
}

/** Puts what waits on the screen. Across a gap, the lines below it go: "load older" brings them back. */
export function show<E extends Numbered>(log: Lines<E>, max = LINES_MAX): Lines<E> {
  const { lines, waiting, gap, mayLoadOlder } = log;
  if (waiting.length === 0) return log.fresh === 0 ? log : { ...log, fresh: 0 };
  const all = gap ? waiting : [...waiting, ...lines];
  const shown = all.slice(0, max);
  return {
    lines: shown,
    waiting: [],
    gap: false,
    fresh: 0,
    mayLoadOlder: mayLoadOlder || gap || shown.length < all.length,
  };
}

/** The page before the last line. Where there is no room for it, the newest lines go back to those that wait. */
export function addOlder<E extends Numbered>(log: Lines<E>, page: Page<E>, max = LINES_MAX): Lines<E> {
  const last = oldestSeq(log) ?? Number.POSITIVE_INFINITY;
  const all = [...log.lines, ...page.events.filter(({ seq }) => seq < last)];
  const surplus = Math.max(0, all.length - max);
  const put = [...log.waiting, ...(log.gap ? [] : all.slice(0, surplus))];
  return {
    lines: all.slice(surplus),
    waiting: put.slice(0, max),
    gap: log.gap || put.length > max,
    fresh: log.fresh,
    mayLoadOlder: page.mayLoadMore,
  };
}
