/** Store suite: values that devices report and the cloud sets: state, values read back, and record. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { Point } from '../../src/domain/device.ts';
import type { DeviceRef, Store, ValueState } from '../../src/store/store.ts';
import {
  allEvents,
  backDated,
  DAY,
  dataIn,
  dataOut,
  makeConnector,
  makeRef,
  NOW,
  type Open,
  ORIGIN,
  same,
  shareStore,
} from './fixtures.ts';

export function dataTests(open: Open): void {
  const shared = shareStore(open);
  const device = async () => makeRef(shared.store, await makeConnector(shared.store));

  it('gives a value back at once and after reopening', async () => {
    const ref = await device();
    await shared.store.append(dataIn(ref, { temperature: '21.5', humidity: '40' }));
    const both = reported('21.5', NOW);
    same(await shared.store.readValues(ref, ['temperature']), [both]);
    same(await shared.store.readState(ref), { temperature: both, humidity: reported('40', NOW) });
    const again = await shared.reopen();
    same(await again.readState(ref), { temperature: both, humidity: reported('40', NOW) });
    same(await again.readValues(ref, ['humidity']), [reported('40', NOW)]);
  });

  it('answers in the order asked, and undefined where there is no value', async () => {
    const ref = await device();
    await shared.store.append(dataIn(ref, { a: '1', b: '2' }));
    const [b, none, a, B] = await shared.store.readValues(ref, ['b', 'none', 'a', 'B']);
    same([b, a], [reported('2', NOW), reported('1', NOW)]);
    assert.equal(none, undefined);
    assert.equal(B, undefined);
    assert.deepEqual(await shared.store.readValues(ref, []), []);
  });

  it('sets both what is wanted and what was reported when the device writes, only the wanted when the cloud does', async () => {
    const ref = await device();
    await shared.store.append(dataOut(ref, { a: 'wanted' }, NOW));
    same(await shared.store.readState(ref), { a: { set: 'wanted', setAt: NOW, reported: null, reportedAt: null } });
    await shared.store.append(dataIn(ref, { a: 'said' }, NOW + 1));
    same(await shared.store.readState(ref), { a: reported('said', NOW + 1) });
    await shared.store.append(dataOut(ref, { a: 'other' }, NOW + 2));
    const state = { set: 'other', setAt: NOW + 2, reported: 'said', reportedAt: NOW + 1 };
    same(await shared.store.readState(ref), { a: state });
    same(await (await shared.reopen()).readValues(ref, ['a']), [state]);
  });

  it('takes several points of one entry, the newest of an alias being its value', async () => {
    const ref = await device();
    const points: Point[] = [
      { timestamp: NOW + 2, values: { a: 'newest', b: 'only' } },
      { timestamp: NOW + 1, values: { a: 'older', c: 'other' } },
    ];
    await shared.store.append({ ...dataIn(ref, {}, NOW + 2), points });
    same(await shared.store.readState(ref), {
      a: reported('newest', NOW + 2),
      b: reported('only', NOW + 2),
      c: reported('other', NOW + 1),
    });
  });

  it('never lets an older point replace a newer value, wanted or reported', async () => {
    const ref = await device();
    const later = NOW + 20;
    await shared.store.append(dataIn(ref, { a: 'new' }, NOW));
    await shared.store.append({ ...dataIn(ref, { a: 'old' }, NOW - 1), timestamp: later });
    await shared.store.append({ ...dataOut(ref, { a: 'old' }, NOW - 1), timestamp: later });
    same(await shared.store.readState(ref), { a: reported('new', NOW) });
    await shared.store.append(dataOut(ref, { a: 'wanted' }, NOW + 10));
    await shared.store.append({ ...dataIn(ref, { a: 'said' }, NOW + 5), timestamp: later });
    const state = { set: 'wanted', setAt: NOW + 10, reported: 'said', reportedAt: NOW + 5 };
    for await (const look of shared.nowAndReopened()) same(await look.readState(ref), { a: state });
  });

  it('keeps the newer value also where the clock was set back between two writes', async () => {
    const ref = await device();
    await shared.store.append(dataIn(ref, { a: 'new' }, NOW));
    // An engine may hold values in memory for a while: the answer is the same after it has put them away.
    await shared.reopen();
    await shared.store.append(dataIn(ref, { a: 'old' }, NOW - 1));
    for await (const look of shared.nowAndReopened()) same(await look.readState(ref), { a: reported('new', NOW) });
  });

  it('keeps values of aliases that are no resource out of state and history', async () => {
    const ref = await device();
    const undefinedPoints = [{ timestamp: NOW, values: { stray: '1' } }];
    await shared.store.append({ ...dataIn(ref, { a: '1' }), undefinedPoints });
    await shared.store.append({ ...dataIn(ref, {}), points: [], undefinedPoints });
    assert.deepEqual(Object.keys(await shared.store.readState(ref)), ['a']);
    const history = await shared.store.readHistory(ref, { alias: 'stray', from: 0, to: NOW, limit: 10 });
    same(history.points, []);
    assert.deepEqual(await shared.store.readValues(ref, ['stray']), [undefined]);
    assert.equal((await allEvents(shared.store, ref.connector)).length, 2);
  });

  it('stores any value, from nothing to a mebibyte', async () => {
    const ref = await device();
    const values: Record<string, string> = {
      empty: '',
      large: 'x'.repeat(1_048_576),
      wide: '😀'.repeat(262_144),
      nul: 'before\u0000after\u0000',
      control: '\u0001\u001f\u007f\r\n\t',
      emoji: '👩‍👩‍👧 ü \ufeff \u2028',
      quotes: `'"\\\`; DROP TABLE devices; --`,
      number: '007',
      big: '123456789012345678901234567890',
    };
    await shared.store.append(dataIn(ref, values));
    for await (const look of shared.nowAndReopened()) {
      const state = await look.readState(ref);
      for (const [alias, value] of Object.entries(values)) {
        // Not deepEqual: a mebibyte makes no good message.
        assert(state[alias]?.reported === value && state[alias]?.set === value, `${alias} in state`);
        const { points } = await look.readHistory(ref, { alias, from: NOW, to: NOW, limit: 2 });
        assert(points.length === 1 && points[0]?.value === value, `${alias} in history`);
      }
    }
  });

  it('stores any well-formed text under any alias', async () => {
    const ref = await device();
    const text = fc.string({ unit: 'binary', maxLength: 40 });
    const alias = fc.oneof(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }), awkward);
    let timestamp = NOW;
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(alias, { minLength: 1, maxLength: 5 }), text, async (aliases, value) => {
        timestamp += 1;
        await shared.store.append(dataIn(ref, Object.fromEntries(aliases.map((name) => [name, value])), timestamp));
        const wanted = aliases.map(() => reported(value, timestamp));
        same(await shared.store.readValues(ref, aliases), wanted);
        const state = await shared.store.readState(ref);
        for (const name of aliases) assert.equal(ownValue(state, name)?.reported, value);
      }),
      { numRuns: 60 },
    );
  });

  it('takes aliases that are names of object properties as plain names', async () => {
    const ref = await device();
    const aliases = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
    assert.deepEqual(
      await shared.store.readValues(ref, aliases),
      aliases.map(() => undefined),
    );
    const values = Object.fromEntries(aliases.map((alias) => [alias, `value of ${alias}`]));
    await shared.store.append(dataIn(ref, values));
    for await (const look of shared.nowAndReopened()) {
      const state = await look.readState(ref);
      assert.deepEqual(Object.keys(state).sort(), aliases.toSorted());
      for (const alias of aliases) assert.equal(ownValue(state, alias)?.reported, `value of ${alias}`);
      const [event] = await allEvents(look, ref.connector);
      same(event?.payload, [{ timestamp: NOW, values }]);
    }
  });

  it('loses nothing of many devices that write at the same time', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const refs = await Promise.all(Array.from({ length: 40 }, (_, n) => makeRef(store, connector, `d${n}`)));
    const rounds = Array.from({ length: 10 }, (_, round) => round);
    await Promise.all(
      refs.flatMap((ref) => rounds.map((round) => store.append(dataIn(ref, { n: `${round}` }, NOW + round)))),
    );
    const again = await shared.reopen();
    for (const ref of refs) {
      const { points } = await again.readHistory(ref, { alias: 'n', from: NOW, to: NOW + 10, limit: 100 });
      same(
        points,
        rounds.map((round) => ({ timestamp: NOW + round, value: `${round}` })),
      );
      same(await again.readValues(ref, ['n']), [reported('9', NOW + 9)]);
    }
    const events = await allEvents(again, connector);
    assert.equal(events.length, 400);
    assert.equal(new Set(events.map((event) => event.seq)).size, 400);
  });

  it('records back-dated points as append does, without replacing a newer value', async () => {
    const ref = await device();
    await shared.store.append(dataIn(ref, { a: 'now' }, NOW));
    const points = [NOW - 3 * DAY, NOW - 2 * DAY].map((timestamp) => ({ timestamp, values: { a: `at ${timestamp}` } }));
    points.push(
      { timestamp: NOW - DAY, values: { a: 'third' } },
      { timestamp: NOW - DAY + 1, values: { a: 'fourth' } },
    );
    assert.deepEqual(await shared.store.record({ ...dataIn(ref, {}), points }), []);
    for await (const look of shared.nowAndReopened()) {
      same(await look.readState(ref), { a: reported('now', NOW) });
      assert.equal((await historyOf(look, ref, 'a')).length, 5);
      const [, event] = await allEvents(look, ref.connector);
      same(event?.payload, points);
    }
  });

  it('makes a recorded point the value where there is none or an older one', async () => {
    const ref = await device();
    assert.deepEqual(await shared.store.record(backDated(ref, { a: 'first' }, NOW - DAY)), []);
    same(await shared.store.readState(ref), { a: reported('first', NOW - DAY) });
    assert.deepEqual(await shared.store.record(backDated(ref, { a: 'second' }, NOW - 1)), []);
    same(await shared.store.readState(ref), { a: reported('second', NOW - 1) });
  });

  it('stores nothing of a record that repeats a point, and names what it repeats', async () => {
    const ref = await device();
    await shared.store.append(dataIn(ref, { a: '1', b: '2' }, NOW - DAY));
    const points: Point[] = [
      { timestamp: NOW - 2 * DAY, values: { a: 'new' } },
      { timestamp: NOW - DAY, values: { a: 'again', b: 'again', c: 'new' } },
      { timestamp: NOW + DAY, values: { a: 'new' } },
    ];
    const undefinedPoints = [{ timestamp: NOW - DAY, values: { stray: '1' } }];
    const conflicts = await shared.store.record({ ...dataIn(ref, {}), points, undefinedPoints });
    same(
      conflicts.toSorted((x, y) => (x.alias < y.alias ? -1 : 1)),
      [
        { alias: 'a', timestamp: NOW - DAY },
        { alias: 'b', timestamp: NOW - DAY },
      ],
    );
    for await (const look of shared.nowAndReopened()) {
      same(await look.readState(ref), { a: reported('1', NOW - DAY), b: reported('2', NOW - DAY) });
      same(await historyOf(look, ref, 'a'), [{ timestamp: NOW - DAY, value: '1' }]);
      same(await historyOf(look, ref, 'c'), []);
      assert.equal((await allEvents(look, ref.connector)).length, 1);
    }
  });

  it('lets one of many equal records win', async () => {
    const ref = await device();
    const attempts = Array.from({ length: 20 }, (_, n) =>
      shared.store.record(backDated(ref, { a: `${n}` }, NOW - DAY)),
    );
    const answers = await Promise.all(attempts);
    const winner = answers.findIndex((conflicts) => conflicts.length === 0);
    assert.equal(answers.filter((conflicts) => conflicts.length === 0).length, 1);
    same(await historyOf(shared.store, ref, 'a'), [{ timestamp: NOW - DAY, value: `${winner}` }]);
  });

  it('keeps the values of one device from another', async () => {
    const { store } = shared;
    const connector = await makeConnector(store);
    const [one, two] = [await makeRef(store, connector, 'one'), await makeRef(store, connector, 'two')];
    await store.append({ ...dataIn(one, { a: '1' }), origin: { ...ORIGIN, protocol: 'murano:v1/mqtt' } });
    same(await store.readState(two), {});
    assert.deepEqual(await store.record(backDated(two, { a: '2' }, NOW)), []);
    same(await store.readState(one), { a: reported('1', NOW) });
  });
}

const awkward = fc.constantFrom('__proto__', 'constructor', 'toString', "a'b", '%', 'A', 'a');

/** A state in which what is wanted is what was reported. */
function reported(value: string, at: number): ValueState {
  return { set: value, setAt: at, reported: value, reportedAt: at };
}

function ownValue(state: Record<string, ValueState>, alias: string): ValueState | undefined {
  return Object.hasOwn(state, alias) ? state[alias] : undefined;
}

async function historyOf(store: Store, ref: DeviceRef, alias: string) {
  const { points, mayLoadMore } = await store.readHistory(ref, { alias, from: 0, to: NOW + 365 * DAY, limit: 1000 });
  assert.equal(mayLoadMore, false);
  return points;
}
