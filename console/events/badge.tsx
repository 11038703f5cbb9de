/** The type of an event: an icon and a readable name in its colour, with the type as the wire has it on hover. */
import {
  IconArrowDownRight,
  IconArrowUpRight,
  IconBan,
  IconCertificateOff,
  IconClockX,
  IconFileDownload,
  IconFileUpload,
  IconKey,
  IconLock,
  IconLockOpen,
  IconPlugConnected,
  IconPlugConnectedX,
  IconRefresh,
  IconSend,
  IconStairsUp,
  IconTag,
  IconTrash,
  type TablerIcon,
} from '@tabler/icons-react';
import type { EventType } from '../../src/domain/connector.ts';
import classes from './events.module.css';
import { eventLabels } from './labels.ts';

const icons: Readonly<Record<EventType, TablerIcon>> = {
  provisioned: IconKey,
  data_in: IconArrowUpRight,
  data_out: IconArrowDownRight,
  publish: IconSend,
  connect: IconPlugConnected,
  disconnect: IconPlugConnectedX,
  content_in: IconFileUpload,
  content_out: IconFileDownload,
  rollout: IconStairsUp,
  whitelisted: IconTag,
  refused: IconBan,
  expired: IconClockX,
  reprovision: IconRefresh,
  locked: IconLock,
  unlocked: IconLockOpen,
  revoked: IconCertificateOff,
  deleted: IconTrash,
};

export function EventBadge({ type }: { readonly type: EventType }) {
  const { label, meaning, color } = eventLabels[type];
  const Icon = icons[type];
  const style = {
    background: `var(--mantine-color-${color}-light)`,
    color: `var(--mantine-color-${color}-light-color)`,
  };
  // No Tooltip part: there are a thousand of these on a page.
  return (
    <span className={classes.badge} style={style} title={`${type}: ${meaning}`}>
      <Icon size={14} aria-hidden />
      {label}
    </span>
  );
}
