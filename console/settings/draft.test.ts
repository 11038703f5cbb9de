/** What becomes of a draft: what is sent of it, and how it meets what others changed meanwhile. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { defaultSettings } from '../../src/domain/connector.ts';
import { mergeSettings } from '../../src/domain/settings.ts';
import { beginDraft, changeDraft, changesBetween, clashesOf, type DraftState, patchOf, rebase } from './draft.ts';
import { nest, paths, settingsOf, type Values, valuesOf } from './values.ts';

const settings = defaultSettings('Pump');
const values = valuesOf(settings);
const version = (change: Partial<Values> = {}, etag = '"1"') => ({ values: { ...values, ...change }, etag });
const edited = (change: Partial<Values>, state: DraftState = beginDraft(version())) =>
  changeDraft(state, { type: 'edited', values: change });

describe('values', () => {
  test('are the settings, field by field, without resources', () => {
    assert.equal(values['identity_format.options.length'], 0);
    assert.deepEqual(settingsOf(values), settings);
    const { resources, ...rest } = settings;
    assert.deepEqual(resources, {});
    assert.deepEqual(nest(values), rest);
    assert.equal(paths.length, 24);
  });
});

describe('a patch', () => {
  test('holds the changed fields and nothing else', () => {
    const after = { ...values, 'identity_format.options.length': 8, 'identity_format.type': 'base10' } as const;
    const patch = patchOf(changesBetween(values, after));
    assert.deepEqual(patch, { identity_format: { type: 'base10', options: { length: 8 } } });
  });

  test('makes the draft of what the server has, whatever was changed', () => {
    const change = fc.record(
      {
        name: fc.string({ minLength: 1 }),
        'identity_format.prefix': fc.string(),
        'provisioning.enabled': fc.boolean(),
        'provisioning.ip_whitelisting.allowed': fc.array(fc.ipV4()),
        'retention.events_days': fc.nat(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(change, (given) => {
        const after = { ...values, ...given } as Values;
        const merged = mergeSettings(settings, patchOf(changesBetween(values, after)));
        assert.deepEqual(valuesOf(merged), after);
      }),
    );
  });

  test('is empty where a value was put back', () => {
    const there = edited({ name: 'Valve', 'events.types': [] });
    const back = edited({ name: 'Pump', 'events.types': [...values['events.types']] }, there);
    assert.deepEqual(changesBetween(back.base.values, back.draft), []);
  });
});

describe('a draft', () => {
  test('without changes follows the server', () => {
    const state = changeDraft(beginDraft(version()), { type: 'read', version: version({ name: 'Valve' }, '"2"') });
    assert.equal(state.draft.name, 'Valve');
    assert.equal(state.base.etag, '"2"');
    assert.equal(state.newer, null);
  });

  test('with changes keeps them, and knows that somebody else made some', () => {
    const mine = edited({ name: 'Mine' });
    const state = changeDraft(mine, { type: 'read', version: version({ name: 'Theirs' }, '"2"') });
    assert.equal(state.draft.name, 'Mine');
    assert.equal(state.base.etag, '"1"');
    assert.equal(state.newer?.values.name, 'Theirs');
  });

  test('goes on without a question where another version differs in nothing of this page', () => {
    const state = changeDraft(edited({ name: 'Mine' }), { type: 'read', version: version({}, '"2"') });
    assert.equal(state.draft.name, 'Mine');
    assert.equal(state.base.etag, '"2"');
    assert.equal(state.newer, null);
  });

  test('is thrown away for what the server has by now', () => {
    const behind = changeDraft(edited({ name: 'Mine' }), { type: 'read', version: version({ name: 'Theirs' }, '"2"') });
    assert.equal(changeDraft(behind, { type: 'discarded' }).draft.name, 'Theirs');
  });

  test('keeps what was typed while the answer to SAVE was on its way', () => {
    const sent = edited({ name: 'Sent' });
    const typed = edited({ description: 'typed later' }, sent);
    const state = changeDraft(typed, { type: 'saved', version: version({ name: 'Sent' }, '"2"'), sent: sent.draft });
    assert.deepEqual(
      changesBetween(state.base.values, state.draft).map(({ path }) => path),
      ['description'],
    );
  });

  test('loses a fault of the server when its field, or an entry of its list, is edited', () => {
    const fault = (path: string) => ({ path, seen: 'x', expected: 'y' });
    const refused = changeDraft(beginDraft(version()), {
      type: 'refused',
      faults: [fault('pki.client_ca[1]'), fault('name')],
    });
    const state = edited({ 'pki.client_ca': [] }, refused);
    assert.deepEqual(
      state.faults.map(({ path }) => path),
      ['name'],
    );
  });
});

describe('two people', () => {
  const mine = { ...values, name: 'Mine', description: 'mine', 'provisioning.expire_hours': 48 };
  const theirs = { ...values, name: 'Theirs', 'provisioning.expire_hours': 48, 'pki.enabled': true };

  test('clash where both changed a field to different values', () => {
    assert.deepEqual(clashesOf(values, mine, theirs), [{ path: 'name', from: 'Pump', to: 'Mine', theirs: 'Theirs' }]);
  });

  test('come together: what was changed here on top of what was changed there', () => {
    const joined = rebase(values, mine, theirs);
    assert.equal(joined.name, 'Mine');
    assert.equal(joined.description, 'mine');
    assert.equal(joined['pki.enabled'], true);
  });

  test('come together with theirs where mine is given up', () => {
    const state: DraftState = { ...beginDraft(version()), draft: mine, newer: { values: theirs, etag: '"2"' } };
    const after = changeDraft(state, { type: 'rebased', onto: state.newer!, theirs: ['name'] });
    assert.equal(after.draft.name, 'Theirs');
    assert.equal(after.draft.description, 'mine');
    assert.equal(after.base.etag, '"2"');
    assert.equal(after.newer, null);
  });

  test('may both change a list: what each added is there, what each removed is not', () => {
    const list = (allowed: string[]) => ({ ...values, 'provisioning.ip_whitelisting.allowed': allowed });
    const joined = rebase(list(['a', 'b', 'c']), list(['b', 'c', 'mine']), list(['a', 'b', 'theirs']));
    assert.deepEqual(joined['provisioning.ip_whitelisting.allowed'], ['b', 'theirs', 'mine']);
    assert.deepEqual(clashesOf(list(['a']), list(['b']), list(['c'])), []);
  });
});
