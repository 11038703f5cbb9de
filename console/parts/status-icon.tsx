/** The status of a device as an icon with its meaning, and the list of all icons with their meanings. */
import { Group, Stack, Text, ThemeIcon, Tooltip } from '@mantine/core';
import { IconCircleCheck, IconClockX, IconLock, IconRefresh, IconTag } from '@tabler/icons-react';
import { type ReactNode, useRef, useState } from 'react';
import type { Status } from '../api/types.ts';
import classes from './status-icon.module.css';

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

/** A page of a list has one for each row: a plain element, and its tooltip is made once somebody wants it. */
export function StatusIcon({ status }: { readonly status: Status }) {
  const { icon, color, label, meaning } = statusLooks[status];
  const mark = useRef<HTMLSpanElement>(null);
  const [told, setTold] = useState(false);
  const show = () => setTold(true);
  const hide = () => setTold(false);
  return (
    <>
      <span
        ref={mark}
        className={classes.mark}
        data-color={color}
        role="img"
        aria-label={label}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the meaning is shown on focus as well.
        tabIndex={0}
        onPointerEnter={show}
        onPointerLeave={hide}
        onFocus={show}
        onBlur={hide}
      >
        {icon}
      </span>
      {told && <Tooltip target={mark} opened label={`${label}: ${meaning}`} />}
    </>
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
