/** Offers, rollouts and names of files in words, and what a form makes of what is typed. Pure. */
import type { Info, Rollout, RolloutRequest } from './queries.ts';

export type OfferTo = 'all' | 'none' | 'tag' | 'batch';

/** An offer as the form holds it. */
export interface OfferForm {
  readonly to: OfferTo;
  readonly name: string;
  readonly value: string;
  readonly batch: string;
}

export const offerLabels: Readonly<Record<OfferTo, string>> = {
  all: 'All devices',
  tag: 'Devices with a tag',
  batch: 'Devices of a batch',
  none: 'Nobody',
};

/** `tag:site:lab` → the form. */
export function offerFormOf(offer: string): OfferForm {
  const empty = { name: '', value: '', batch: '' };
  if (offer === 'all' || offer === 'none') return { ...empty, to: offer };
  if (offer.startsWith('batch:')) return { ...empty, to: 'batch', batch: offer.slice('batch:'.length) };
  const rest = offer.slice('tag:'.length);
  const colon = rest.indexOf(':');
  return { ...empty, to: 'tag', name: rest.slice(0, colon), value: rest.slice(colon + 1) };
}

/** The form → as the API writes it; null while something is missing. */
export function offerOf({ to, name, value, batch }: OfferForm): string | null {
  if (to === 'tag') return name === '' || value === '' || name.includes(':') ? null : `tag:${name}:${value}`;
  if (to === 'batch') return batch === '' ? null : `batch:${batch}`;
  return to;
}

/** `Tag site: lab` */
export function describeOffer(offer: string): string {
  const { to, name, value, batch } = offerFormOf(offer);
  if (to === 'tag') return `Tag ${name}: ${value}`;
  return to === 'batch' ? `Batch ${batch}` : offerLabels[to];
}

/** `Rollout: 10 %`, of a list. */
export function describeRollout({ state, percent }: Pick<Rollout, 'state' | 'percent'>): string {
  if (state === 'held') return 'Rollout held';
  return state === 'done' ? 'Rollout done' : `Rollout: ${percent} %`;
}

/** A name that the server takes, out of that of a file. */
export function nameFor(fileName: string): string {
  return fileName
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 128);
}

/** Why a name cannot be used; null if it can. */
export function faultOfName(name: string): string | null {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(name)) return null;
  return '1 to 128 letters, digits, dots, dashes and underscores, no dot or dash first';
}

/** A rollout as the form holds it: everything as typed. */
export interface RolloutForm {
  readonly steps: string;
  readonly byItself: boolean;
  readonly hours: string;
  readonly watched: boolean;
  readonly resource: string;
  readonly failure: string;
  readonly success: string;
  readonly share: string;
  readonly atLeast: string;
}

export const emptyRollout: RolloutForm = {
  steps: '1, 10, 100',
  byItself: false,
  hours: '24',
  watched: false,
  resource: '',
  failure: '',
  success: '',
  share: '5',
  atLeast: '1',
};

export type RolloutFaults = Partial<Record<keyof RolloutForm, string>>;

/** Values, one a line. */
const linesOf = (text: string) =>
  [...new Set(text.split('\n').map((line) => line.trim()))].filter((line) => line !== '');
const stepsOf = (text: string) =>
  text
    .split(/[\s,;%]+/)
    .filter((part) => part !== '')
    .map(Number);

export function checkRollout(form: RolloutForm): RolloutFaults {
  const faults: { -readonly [K in keyof RolloutFaults]: RolloutFaults[K] } = {};
  const steps = stepsOf(form.steps);
  const ascending = steps.every((step, at) => step > (steps[at - 1] ?? 0) && step <= 100);
  if (steps.length === 0 || steps.length > 20 || !ascending || steps.at(-1) !== 100) {
    faults.steps = 'Growing percentages, the last of them 100';
  }
  const hours = Number(form.hours);
  if (form.byItself && !(hours >= 0.01 && hours <= 720)) faults.hours = '0.01 to 720 hours';
  if (!form.watched) return faults;
  if (form.resource === '') faults.resource = 'Which resource tells how a device fared?';
  const failure = linesOf(form.failure);
  if (failure.length === 0) faults.failure = 'At least one value';
  if (linesOf(form.success).some((value) => failure.includes(value))) faults.success = 'A value cannot mean both';
  const share = Number(form.share);
  if (form.share.trim() === '' || !(share >= 0 && share <= 100)) faults.share = '0 to 100 %';
  const atLeast = Number(form.atLeast);
  if (!(Number.isInteger(atLeast) && atLeast >= 1 && atLeast <= 1_000_000)) faults.atLeast = 'A whole number from 1 on';
  return faults;
}

/** Of a form without faults. */
export function rolloutOf(form: RolloutForm): RolloutRequest {
  return {
    steps: stepsOf(form.steps),
    every: form.byItself ? Math.round(Number(form.hours) * 3600) : null,
    ...(form.watched && {
      watch: {
        resource: form.resource,
        failure: linesOf(form.failure),
        success: linesOf(form.success),
        share: Number(form.share) / 100,
        at_least: Number(form.atLeast),
      },
    }),
  };
}

/** `3 of 12 devices that took it report failure`, where something is watched. */
export function describeFailures({ rollout, figures }: Pick<Info, 'rollout' | 'figures'>): string | null {
  if (!rollout?.watch) return null;
  const limit = `held above ${Math.round(rollout.watch.share * 1000) / 10} %`;
  const most = rollout.watch.at_least > 1 ? `${limit}, from ${rollout.watch.at_least} on` : limit;
  return `${figures.failed.toLocaleString('en')} failed, ${figures.succeeded.toLocaleString('en')} succeeded (${most})`;
}
