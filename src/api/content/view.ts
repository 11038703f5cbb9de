/** How the wire shows a file for devices and its rollout (management-api.md, Content). */
import { type Content, formatOffer } from '../../domain/content.ts';
import { percentOf, type Rollout } from '../../domain/rollout.ts';

const SECOND = 1_000_000;

export function viewContent({ id, type, bytes, sha256, updated, meta, created, who, device, offer, rollout }: Content) {
  const shown = { id, type, bytes, sha256, updated, meta, created, who, device, offer: formatOffer(offer) };
  return { ...shown, rollout: rollout === null ? null : viewRollout(rollout) };
}

function viewRollout(rollout: Rollout) {
  const { state, steps, step, every, watch, started, stepped, reason } = rollout;
  return {
    ...{ state, steps, step, percent: percentOf(rollout), every: every === null ? null : every / SECOND },
    next: every === null || state !== 'running' ? null : stepped + every,
    watch: watch && {
      resource: watch.alias,
      failure: watch.failure,
      success: watch.success,
      share: watch.share,
      at_least: watch.atLeast,
    },
    ...{ started, stepped, reason },
  };
}
