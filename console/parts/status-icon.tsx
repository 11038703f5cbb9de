/** The status of a device as an icon with its meaning, and the list of all icons with their meanings. */
import { Group, Stack, Text, ThemeIcon, Tooltip } from '@mantine/core';
import { IconCircleCheck, IconClockX, IconLock, IconRefresh, IconTag } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { Status } from '../api/types.ts';

interface Look {
  readonly icon: ReactNode;
  readonly color: string;
  readonly label: string;
  readonly meaning: string;
}

/** In the order in which a device's life goes. */
export const statusLooks: Readonly<Record<Status, Look>> = {
  whitelisted: {
    icon: <IconTag size={16} aria-hidden />,
    color: 'blue',
    label: 'Whitelisted',
    meaning: 'Let in, not provisioned yet',
  },
  provisioned: {
    icon: <IconCircleCheck size={16} aria-hidden />,
    color: 'teal',
    label: 'Provisioned',
    meaning: 'Has a credential and may send data',
  },
  reprovision: {
    icon: <IconRefresh size={16} aria-hidden />,
    color: 'violet',
    label: 'Reprovision',
    meaning: 'Provisioned, and may provision once more',
  },
  expired: {
    icon: <IconClockX size={16} aria-hidden />,
    color: 'orange',
    label: 'Expired',
    meaning: 'Its activation window has closed, its credential has ended, or it was revoked',
  },
  locked: {
    icon: <IconLock size={16} aria-hidden />,
    color: 'red',
    label: 'Locked',
    meaning: 'Nothing that it sends is accepted until it is unlocked',
  },
};

/** The names of all statuses, in that order. */
export const allStatuses = Object.keys(statusLooks) as readonly Status[];

export function StatusIcon({ status }: { readonly status: Status }) {
  const { icon, color, label, meaning } = statusLooks[status];
  return (
    <Tooltip label={`${label}: ${meaning}`}>
      <ThemeIcon variant="light" color={color} size="md" role="img" aria-label={label} tabIndex={0}>
        {icon}
      </ThemeIcon>
    </Tooltip>
  );
}

/** What each icon means. */
export function StatusLegend() {
  return (
    <Stack gap={6}>
      {allStatuses.map((status) => {
        const { icon, color, label, meaning } = statusLooks[status];
        return (
          <Group key={status} gap="xs" wrap="nowrap" align="flex-start">
            <ThemeIcon variant="light" color={color} size="sm" aria-hidden>
              {icon}
            </ThemeIcon>
            <Text size="sm">
              <b>{label}</b>: {meaning}
            </Text>
          </Group>
        );
      })}
    </Stack>
  );
}
