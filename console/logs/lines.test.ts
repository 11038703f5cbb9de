/** Each event once, in order, whatever comes from where: the rules that keep the log whole. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  addOlder,
  beginBehind,
  beginLines,
  catchUp,
  type Lines,
  newestSeq,
  oldestSeq,
  type Page,
  receive,
  show,
} from './lines.ts';

interface Event {
  readonly seq: number;
}

const event = (seq: number): Event => ({ seq });
const events = (...seqs: number[]) => seqs.map(event);
const seqs = (list: readonly Event[]) => list.map(({ seq }) => seq);
const page = (mayLoadMore: boolean, ...given: number[]): Page<Event> => ({ events: events(...given), mayLoadMore });

test('what the stream repeats of a page is not shown again', () => {
  const log = receive(beginLines(page(false, 3, 2, 1)), events(2, 3, 4, 4, 3), false);
  assert.deepEqual(seqs(log.lines), [4, 3, 2, 1]);
});

test('while the lines stand still new ones wait, and are counted', () => {
  const held = receive(receive(beginLines(page(false, 1)), events(2), true), events(3, 4), true);
  assert.deepEqual(seqs(held.lines), [1]);
  assert.deepEqual([seqs(held.waiting), held.fresh], [[4, 3, 2], 3]);
  const shown = show(held);
  assert.deepEqual([seqs(shown.lines), shown.fresh, shown.gap], [[4, 3, 2, 1], 0, false]);
});

test('no more wait than there is room for; then the lines below the gap give way, and can be loaded again', () => {
  const held = receive(beginLines(page(false, 1), 3), events(2, 3, 4, 5), true, 3);
  assert.deepEqual([seqs(held.waiting), held.fresh, held.gap], [[5, 4, 3], 4, true]);
  const shown = show(held, 3);
  assert.deepEqual([seqs(shown.lines), shown.mayLoadOlder], [[5, 4, 3], true]);
});

test('the newest lines stay when there is no more room; the oldest can be loaded again', () => {
  const log = receive(beginLines(page(false, 2, 1), 3), events(3, 4), false, 3);
  assert.deepEqual([seqs(log.lines), log.mayLoadOlder], [[4, 3, 2], true]);
});

test('loading older lines puts the newest aside, from where they come back', () => {
  const log = addOlder(beginLines(page(true, 6, 5, 4)), page(false, 3, 2, 1), 4);
  assert.deepEqual([seqs(log.lines), seqs(log.waiting), log.gap], [[4, 3, 2, 1], [6, 5], false]);
  assert.deepEqual(seqs(show(log, 4).lines), [6, 5, 4, 3]);
});

test('after an absence in which more happened than one page holds, the log goes on from the newest page', () => {
  const log = catchUp(beginLines(page(false, 2, 1)), page(true, 9, 8), false);
  assert.deepEqual([seqs(log.lines), log.mayLoadOlder, log.gap], [[9, 8], true, false]);
});

test('a log that begins further back keeps the newest for later, and knows whether they meet', () => {
  const apart = beginBehind(page(true, 9, 8), page(true, 4, 3));
  assert.deepEqual([seqs(apart.lines), seqs(apart.waiting), apart.gap], [[4, 3], [9, 8], true]);
  assert.deepEqual(seqs(show(apart).lines), [9, 8]);
  const meeting = beginBehind(page(true, 9, 8, 4), page(true, 4, 3));
  assert.deepEqual([seqs(meeting.waiting), meeting.gap], [[9, 8], false]);
});

const step = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), size: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ kind: fc.constant('stream' as const), size: fc.nat(9), again: fc.nat(5) }),
  fc.record({ kind: fc.constant('reconnect' as const), size: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ kind: fc.constant('older' as const), size: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ kind: fc.constant('hold' as const) }),
  fc.record({ kind: fc.constant('show' as const) }),
);

test('any mix of pages, stream, absences and pauses gives each event once, in order, and none is missing between two', () => {
  fc.assert(
    fc.property(fc.nat(12), fc.integer({ min: 1, max: 8 }), fc.array(step, { maxLength: 40 }), (start, max, steps) => {
      const server: Event[] = [];
      // Numbers are those of all connectors: here every third is ours.
      const write = (size: number) => {
        for (let i = 0; i < size; i++) server.push(event(server.length * 3 + 1));
      };
      const ask = (fits: (seq: number) => boolean, limit: number): Page<Event> => {
        const found = server.filter(({ seq }) => fits(seq)).reverse();
        return { events: found.slice(0, limit), mayLoadMore: found.length > limit };
      };
      write(start);
      let log = beginLines(
        ask(() => true, max),
        max,
      );
      let streamed = server.length;
      let hold = false;
      for (const given of steps) {
        if (given.kind === 'write') write(given.size);
        if (given.kind === 'stream') {
          const from = Math.max(0, streamed - given.again);
          streamed = Math.min(server.length, streamed + given.size);
          log = receive(log, server.slice(from, streamed), hold, max);
        }
        if (given.kind === 'reconnect') {
          const known = newestSeq(log);
          log = catchUp(
            log,
            ask((seq) => seq > known, given.size),
            hold,
            max,
          );
          streamed = server.findIndex(({ seq }) => seq === newestSeq(log)) + 1;
        }
        if (given.kind === 'older') {
          const oldest = oldestSeq(log);
          if (oldest !== undefined && log.mayLoadOlder)
            log = addOlder(
              log,
              ask((seq) => seq < oldest, given.size),
              max,
            );
        }
        if (given.kind === 'hold') {
          hold = !hold;
          if (!hold) log = show(log, max);
        }
        if (given.kind === 'show') log = show(log, max);
        expectWhole(log, server, streamed, max);
      }
    }),
    { numRuns: 500 },
  );
});

function expectWhole(log: Lines<Event>, server: readonly Event[], streamed: number, max: number): void {
  const { lines, waiting, gap, mayLoadOlder } = log;
  assert.ok(lines.length <= max && waiting.length <= max, 'bounded');
  const expectRun = (list: readonly Event[]) => {
    const at = server.findIndex(({ seq }) => seq === list.at(-1)?.seq);
    assert.deepEqual(seqs(list), seqs(server.slice(at, at + list.length)).reverse());
  };
  if (lines.length > 0) expectRun(lines);
  if (waiting.length > 0) expectRun(waiting);
  if (!gap && lines.length + waiting.length > 0) expectRun([...waiting, ...lines]);
  assert.equal(newestSeq(log), server[streamed - 1]?.seq ?? 0, 'the newest that came is known');
  if (!mayLoadOlder && lines.length > 0) assert.equal(lines.at(-1)?.seq, server[0]?.seq, 'what is older can be loaded');
}
