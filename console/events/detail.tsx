/** All that is known of one event: why it was refused, if it was, and its JSON. */
import { Button, Group, Stack, Text } from '@mantine/core';
import { IconFilter } from '@tabler/icons-react';
import type { LogEvent } from '../api/types.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { formatExact } from '../parts/format-time.ts';
import { ButtonLink } from '../parts/link.tsx';
import { Refusal } from '../refusals/refusal.tsx';
import classes from './events.module.css';
import { eventLabels } from './labels.ts';
import { refusedOf } from './summary.ts';

interface Props {
  readonly connector: string;
  readonly event: LogEvent;
  readonly onOnly?: (identity: string) => void;
  /** Shown on the page of its device, which need not be linked. */
  readonly here?: boolean;
}

export function EventDetail({ connector, event, onOnly, here = false }: Props) {
  const { type, identity, timestamp, payload } = event;
  const json = JSON.stringify(event, null, 2);
  return (
    <Stack gap="xs">
      {type === 'refused' && <Refusal connector={connector} identity={identity} refused={refusedOf(payload)} />}
      <Group justify="space-between" gap="xs">
        <Text size="sm" c="dimmed">
          {eventLabels[type].meaning}, {formatExact(timestamp)}
        </Text>
        <Group gap="xs">
          {identity !== null && onOnly && (
            <Button
              size="compact-sm"
              variant="default"
              leftSection={<IconFilter size={14} aria-hidden />}
              onClick={() => onOnly(identity)}
            >
              Only this device
            </Button>
          )}
          {identity !== null && !here && (
            <ButtonLink
              size="compact-sm"
              variant="default"
              to="/connectors/$connector/devices/$identity"
              params={{ connector, identity }}
            >
              Open the device
            </ButtonLink>
          )}
          <CopyButton value={json} label="JSON" />
        </Group>
      </Group>
      {/* Scrolls by itself, so that it has to be reachable by keyboard. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: see above */}
      <section className={classes.json} tabIndex={0} aria-label="Event as JSON">
        <pre>{json}</pre>
      </section>
    </Stack>
  );
}
