/** How a value changes the state of its alias: what the cloud wants, and what the device last said. Pure; the same for all engines. */
import type { ValueState } from './store.ts';

export type MutableState = { -readonly [K in keyof ValueState]: ValueState[K] };
export const noState: ValueState = { set: null, setAt: null, reported: null, reportedAt: null };

/**
 * Lets a state follow a value. An older value never replaces a newer one (device-http.md, record); one that claims a time
 * still to come counts as of its arrival, or it would hide all that follows.
 */
export function follow(state: MutableState, reports: boolean, timestamp: number, value: string): void {
  if (state.setAt === null || state.setAt <= timestamp) {
    state.set = value;
    state.setAt = timestamp;
  }
  if (reports && (state.reportedAt === null || state.reportedAt <= timestamp)) {
    state.reported = value;
    state.reportedAt = timestamp;
  }
}

/** Columns of a state, as both engines name them. */
export interface StateColumns {
  readonly set_value: string | null;
  readonly set_at: number | null;
  readonly reported: string | null;
  readonly reported_at: number | null;
}

export function toState(row: StateColumns): ValueState {
  return { set: row.set_value, setAt: row.set_at, reported: row.reported, reportedAt: row.reported_at };
}
