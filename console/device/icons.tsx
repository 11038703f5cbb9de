/** The icons of what can be done to a device. */
import {
  IconClock,
  IconInfinity,
  IconLock,
  IconLockOpen,
  IconRefresh,
  IconRefreshOff,
  IconShieldOff,
  IconTrash,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { ActionName } from './search.ts';

export const actionIcons: Readonly<Record<ActionName, ReactNode>> = {
  lock: <IconLock size={16} aria-hidden />,
  unlock: <IconLockOpen size={16} aria-hidden />,
  window: <IconClock size={16} aria-hidden />,
  keep: <IconInfinity size={16} aria-hidden />,
  reprovision: <IconRefresh size={16} aria-hidden />,
  withdraw: <IconRefreshOff size={16} aria-hidden />,
  revoke: <IconShieldOff size={16} aria-hidden />,
  delete: <IconTrash size={16} aria-hidden />,
};
