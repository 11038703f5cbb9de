/** What can be done to a device as it stands, what that will do, and what it did. Knows no call of the API. */
import type { Identity } from '../api/types.ts';
import type { ActionName } from './search.ts';

export interface Action {
  readonly name: ActionName;
  /** On the button of the page. */
  readonly label: string;
  /** Title of the dialog. */
  readonly question: string;
  /** Said before: what will happen. */
  readonly before: string;
  /** The verb on the dialog's button. */
  readonly verb: string;
  /** Said after: what did happen. */
  readonly after: string;
  readonly grave: boolean;
}

const actions: Readonly<Record<ActionName, Omit<Action, 'name'>>> = {
  lock: {
    label: 'Lock',
    question: 'Lock this device?',
    before:
      'From its next request on, everything that it sends is refused, and a waiting request is ended at once. It keeps its credential and its values: once you unlock it, it works as before.',
    verb: 'Lock',
    after: 'The device is locked. Nothing that it sends is accepted until you unlock it.',
    grave: true,
  },
  unlock: {
    label: 'Unlock',
    question: 'Unlock this device?',
    before: 'From its next request on, what it sends is accepted again. It keeps its credential.',
    verb: 'Unlock',
    after: 'The device is unlocked. What it sends is accepted again.',
    grave: false,
  },
  window: {
    label: 'Activation window',
    question: 'Change the activation window',
    before:
      'The device has to provision before the window closes. A window that has closed, or a revoked entry, opens again.',
    verb: 'SAVE',
    after: 'The activation window was changed.',
    grave: false,
  },
  keep: {
    label: 'Remove the end',
    question: 'Remove the end of the credential?',
    before: 'The credential of this device was given an end. Without one it is valid until you revoke it.',
    verb: 'Remove the end',
    after: 'The credential has no end any more.',
    grave: false,
  },
  reprovision: {
    label: 'Reprovision',
    question: 'Allow this device to provision once more?',
    before:
      'The device may ask for a new credential, once. The old one works until the new one is used for the first time, and 24 hours at the most after the new one was given. Do this after a factory reset, or when a credential was lost.',
    verb: 'Allow',
    after: 'The device may provision once more. Until it does, its present credential works.',
    grave: false,
  },
  withdraw: {
    label: 'Withdraw reprovision',
    question: 'Withdraw the permission to provision once more?',
    before: 'The device keeps the credential that it has, and cannot ask for another one.',
    verb: 'Withdraw',
    after: 'The device keeps its present credential and may not provision again.',
    grave: false,
  },
  revoke: {
    label: 'Revoke',
    question: 'Revoke this device?',
    before:
      'Its credential ends at once and cannot be brought back. The identity stays in the list, but cannot provision: to use the device again, change its activation window and let it provision again.',
    verb: 'Revoke',
    after: 'The device is revoked: it has no credential and cannot provision.',
    grave: true,
  },
  delete: {
    label: 'Delete',
    question: 'Delete this device?',
    before:
      'The device, its credential, its values and their history are removed and cannot be brought back. What it did stays in the log.',
    verb: 'Delete',
    after: 'The device is deleted.',
    grave: true,
  },
};

export const actionOf = (name: ActionName): Action => ({ name, ...actions[name] });

/** Whether the action makes sense for the device as it stands. */
export function isPossible(name: ActionName, { locked, reprovision, credential, auth }: Identity): boolean {
  const bound = credential !== null && credential !== undefined;
  switch (name) {
    case 'lock':
      return !locked;
    case 'unlock':
      return locked;
    case 'window':
      return !bound;
    case 'keep':
      return bound && auth.expire !== undefined;
    case 'reprovision':
      return bound && !reprovision;
    case 'withdraw':
      return bound && reprovision;
    case 'revoke':
      return bound || auth.expire !== 0;
    case 'delete':
      return true;
  }
}

/** In the order of the page; those that destroy come last. */
export function possibleActions(device: Identity): readonly Action[] {
  const names = Object.keys(actions) as ActionName[];
  return names.filter((name) => isPossible(name, device)).map(actionOf);
}
