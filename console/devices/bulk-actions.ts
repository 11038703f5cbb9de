/** What can be done to many devices, each as one call per device, and how it is told of. */
import type { Tags } from '../../src/domain/device.ts';
import { api, unwrap } from '../api/client.ts';
import { ApiFailure, isSessionEnd, Unreachable } from '../api/failure.ts';
import type { JobRequest } from '../api/types.ts';
import { countDevices } from './paging.ts';

export interface BulkAction {
  /** On the button. */
  readonly verb: string;
  /** `Locking 3 devices` */
  readonly doing: string;
  /** `3 devices locked` */
  readonly done: string;
  /** What to know before it is done; asks first where there is such. */
  readonly warning?: string;
  /** The devices are gone afterwards. */
  readonly removes?: boolean;
  readonly act: (connector: string, identity: string) => Promise<unknown>;
  /** The same, as the server does it to all devices that a filter finds. */
  readonly wanted: WantedAction;
}

/** What a job does; which devices it does it to is told beside it. */
export type WantedAction = Omit<JobRequest, 'filter' | 'identities' | 'expect'>;

interface Change {
  readonly locked?: boolean;
  readonly reprovision?: boolean;
  readonly auth?: { readonly expire: number };
  readonly tags?: Tags;
}

const patching = (body: Change) => (connector: string, identity: string) => {
  const params = { path: { connector, identity } };
  return unwrap(api.PATCH('/api:1/service/{connector}/device2/identity/{identity}', { params, body }));
};

/** A device that somebody else has deleted meanwhile is as gone as was wanted. */
async function remove(connector: string, identity: string): Promise<void> {
  const params = { path: { connector, identity } };
  try {
    await unwrap(api.DELETE('/api:1/service/{connector}/device2/identity/{identity}', { params }));
  } catch (error) {
    if (!(error instanceof ApiFailure && error.code === 'DEVICE_UNKNOWN')) throw error;
  }
}

export const bulkActions = {
  lock: { verb: 'Lock', doing: 'Locking', done: 'locked', act: patching({ locked: true }), wanted: { action: 'lock' } },
  unlock: {
    verb: 'Unlock',
    doing: 'Unlocking',
    done: 'unlocked',
    act: patching({ locked: false }),
    wanted: { action: 'unlock' },
  },
  reprovision: {
    verb: 'Reprovision',
    doing: 'Allowing to provision once more:',
    done: 'may provision once more',
    act: patching({ reprovision: true }),
    wanted: { action: 'reprovision' },
  },
  revoke: {
    verb: 'Revoke',
    doing: 'Revoking',
    done: 'revoked',
    warning:
      'Their credentials end at once, and so do their connections. They are no longer whitelisted: to come back, each needs a new activation window.',
    act: patching({ auth: { expire: 0 } }),
    wanted: { action: 'expire', expire: 0 },
  },
  delete: {
    verb: 'Delete',
    doing: 'Deleting',
    done: 'deleted',
    warning: 'They are removed with their credentials, tags, state and history. This cannot be undone.',
    removes: true,
    act: remove,
    wanted: { action: 'delete' },
  },
} as const satisfies Record<string, BulkAction>;

/** Sets the values of a tag, or with none takes the tag away. */
export function tagAction(name: string, values: readonly string[]): BulkAction {
  const done = values.length === 0 ? `no longer tagged ${name}` : `tagged ${name}: ${values.join(', ')}`;
  const doing = values.length === 0 ? 'Untagging' : 'Tagging';
  const wanted: WantedAction =
    values.length === 0 ? { action: 'untag', names: [name] } : { action: 'tag', tags: { [name]: [...values] } };
  return { verb: 'Tag', doing, done, act: patching({ tags: { [name]: [...values] } }), wanted };
}

/** Opens the activation window until then, µs. A device that has a credential has none: the time would be its end. */
export function windowAction(expire: number): BulkAction {
  const open = patching({ auth: { expire } });
  const act = async (connector: string, identity: string) => {
    const params = { path: { connector, identity } };
    const found = await unwrap(api.GET('/api:1/service/{connector}/device2/identity/{identity}', { params }));
    if (found.credential)
      throw new Error('It has a credential already, and so no activation window. It was left as it is.');
    return open(connector, identity);
  };
  const wanted: WantedAction = { action: 'expire', expire, unprovisioned: true };
  return { verb: 'Activation window', doing: 'Opening the activation window of', done: 'may provision', act, wanted };
}

/** `Delete 3 devices` */
export const nameAction = ({ verb }: BulkAction, n: number) => `${verb} ${countDevices(n)}`;

/** What would fail for every other device as well: no session, no right, no server. */
export function endsAll(error: unknown): boolean {
  if (error instanceof Unreachable || isSessionEnd(error)) return true;
  return (
    error instanceof ApiFailure && (error.status >= 500 || ['ROLE_FORBIDDEN', 'RATE_LIMITED'].includes(error.code))
  );
}
