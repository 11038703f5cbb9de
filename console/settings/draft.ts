/**
 * What somebody changed in the form, apart from what the server has: what differs, what is sent, and how it comes together
 * with what others changed meanwhile. Calls nobody.
 */
import type { FieldFault } from '../api/failure.ts';
import { isSame, nest, type Path, pathOfFault, paths, type Values } from './values.ts';

/** Settings as they were read: with the version that `If-Match` takes. */
export interface Version {
  readonly values: Values;
  readonly etag: string;
}

export interface DraftState {
  /** What the draft was begun from. */
  readonly base: Version;
  readonly draft: Values;
  /** What the server has by now, if somebody else changed it after `base`. */
  readonly newer: Version | null;
  /** Of the server's last refusal, without those of fields that were edited since. */
  readonly faults: readonly FieldFault[];
}

export type DraftAction =
  | { readonly type: 'edited'; readonly values: Partial<Values> }
  | { readonly type: 'discarded' }
  /** The server was asked, for whatever reason. */
  | { readonly type: 'read'; readonly version: Version }
  | { readonly type: 'refused'; readonly faults: readonly FieldFault[] }
  | { readonly type: 'saved'; readonly version: Version; readonly sent: Values }
  /** `theirs` lists the clashing fields that are given up. */
  | { readonly type: 'rebased'; readonly onto: Version; readonly theirs: readonly Path[] };

export const beginDraft = (base: Version): DraftState => ({ base, draft: base.values, newer: null, faults: [] });

export function changeDraft(state: DraftState, action: DraftAction): DraftState {
  const { base, draft } = state;
  switch (action.type) {
    case 'edited':
      return {
        ...state,
        draft: { ...draft, ...action.values },
        faults: state.faults.filter(({ path }) => !Object.hasOwn(action.values, pathOfFault(path) ?? '')),
      };
    case 'discarded':
      return beginDraft(state.newer ?? base);
    case 'read':
      if (action.version.etag === base.etag) return state.newer === null ? state : { ...state, newer: null };
      // What differs in nothing that stands here, or where nothing was changed here, needs nobody's decision.
      return changesBetween(base.values, draft).length === 0 ||
        changesBetween(base.values, action.version.values).length === 0
        ? {
            ...beginDraft(action.version),
            draft: rebase(base.values, draft, action.version.values),
            faults: state.faults,
          }
        : { ...state, newer: action.version };
    case 'refused':
      return { ...state, faults: action.faults };
    case 'saved':
      // What was typed while the answer was on its way is still to be saved.
      return { ...beginDraft(action.version), draft: rebase(action.sent, draft, action.version.values) };
    case 'rebased':
      return {
        ...beginDraft(action.onto),
        draft: rebase(base.values, draft, action.onto.values, action.theirs),
      };
  }
}

export interface Change {
  readonly path: Path;
  readonly from: Values[Path];
  readonly to: Values[Path];
}

/** The fields that differ, in the order of the form. */
export function changesBetween(from: Values, to: Values): Change[] {
  return paths
    .filter((path) => !isSame(from[path], to[path]))
    .map((path) => ({ path, from: from[path], to: to[path] }));
}

/** Nothing but what was changed: the call merges it into what is there. */
export const patchOf = (changes: readonly Change[]) =>
  nest(Object.fromEntries(changes.map(({ path, to }) => [path, to])));

export interface Clash extends Change {
  /** What somebody else made of it. */
  readonly theirs: Values[Path];
}

/** Fields that were changed here and elsewhere, to different values. Lists never clash: both changes come together. */
export function clashesOf(base: Values, mine: Values, theirs: Values): Clash[] {
  return changesBetween(base, mine)
    .filter(({ path, to }) => !Array.isArray(to) && !isSame(base[path], theirs[path]) && !isSame(to, theirs[path]))
    .map((change) => ({ ...change, theirs: theirs[change.path] }));
}

/** What was changed here, on top of what others made of it; of fields in `giveUp` theirs. */
export function rebase(base: Values, mine: Values, theirs: Values, giveUp: readonly Path[] = []): Values {
  const kept = changesBetween(base, mine).filter(({ path }) => !giveUp.includes(path));
  const values = kept.map(({ path, from, to }) => [path, Array.isArray(to) ? mergeLists(from, to, theirs[path]) : to]);
  return { ...theirs, ...Object.fromEntries(values) };
}

function mergeLists(from: unknown, to: readonly unknown[], theirs: unknown): unknown[] {
  const [before, others] = [from as readonly unknown[], theirs as readonly unknown[]];
  const kept = others.filter((entry) => to.includes(entry) || !before.includes(entry));
  return [...kept, ...to.filter((entry) => !before.includes(entry) && !others.includes(entry))];
}

/** What a list lost and gained. */
export function listChange(from: readonly string[], to: readonly string[]) {
  return {
    removed: from.filter((entry) => !to.includes(entry)),
    added: to.filter((entry) => !from.includes(entry)),
  };
}
