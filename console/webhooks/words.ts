/** How a webhook does, in words. */
import type { Webhook } from '../api/types.ts';
import { allEventTypes, eventLabels } from '../events/labels.ts';

export const stateLooks: Readonly<Record<Webhook['state'], { readonly label: string; readonly color: string }>> = {
  active: { label: 'Active', color: 'teal' },
  failing: { label: 'Failing', color: 'orange' },
  paused: { label: 'Paused', color: 'red' },
  disabled: { label: 'Off', color: 'gray' },
};

/** `All events`, `Lock, Unlock`, `5 of 15 types` */
export function typesText({ types }: Pick<Webhook, 'types'>): string {
  if (types.length === 0) return 'All events';
  if (types.length <= 3) return types.map((type) => eventLabels[type].label).join(', ');
  return `${types.length} of ${allEventTypes.length} types of events`;
}

/** What to know, and what to do about it; null where all is well. */
export function troubleOf({ state, failures }: Webhook): string | null {
  if (state === 'failing') {
    return `${failures === 1 ? 'The last delivery failed' : `The last ${failures} deliveries failed`}. It is tried again by itself; events are kept until then.`;
  }
  if (state === 'paused') {
    return 'Its deliveries failed for a day, or its target said that it is gone for good: it is not tried any more. Mend the target, then resume: it goes on where it was.';
  }
  return null;
}
