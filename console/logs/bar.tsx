/** The line above the log that stays in sight: how it stands with the connection, pause and resume, what is new. */
import { Button, Group, Text } from '@mantine/core';
import { IconArrowUp, IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import type { LiveState } from './live.ts';
import classes from './logs.module.css';

interface Props {
  readonly state: LiveState;
  readonly paused: boolean;
  /** The lines stand still, though not paused: because of where the reader is. */
  readonly still: boolean;
  readonly onPause: () => void;
  readonly onResume: () => void;
  /** To the newest lines. */
  readonly onNewest: () => void;
  readonly onRetry: () => void;
}

export function Bar({ state, paused, still, onPause, onResume, onNewest, onRetry }: Props) {
  const { log, connection } = state;
  const news = log === null ? '' : newsOf(log.fresh, log.gap);
  const aside = log !== null && log.waiting.length > 0;
  return (
    <Group className={classes.bar} justify="space-between" gap="xs" wrap="nowrap">
      <Group gap="sm" wrap="nowrap">
        <ConnectionState connection={connection} paused={paused} />
        {connection === 'reconnecting' && (
          <Button size="compact-sm" variant="subtle" onClick={onRetry} visibleFrom="xs">
            Try now
          </Button>
        )}
      </Group>
      <Group gap="xs" wrap="nowrap">
        {!paused && still && aside && (
          <Button size="compact-sm" leftSection={<IconArrowUp size={14} aria-hidden />} onClick={onNewest}>
            {news === '' ? 'Back to the newest' : `${news} new`}
          </Button>
        )}
        {paused ? (
          <Button size="compact-sm" leftSection={<IconPlayerPlay size={14} aria-hidden />} onClick={onResume}>
            Resume{news === '' ? '' : ` (${news} waiting)`}
          </Button>
        ) : (
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<IconPlayerPause size={14} aria-hidden />}
            onClick={onPause}
          >
            Pause
          </Button>
        )}
      </Group>
    </Group>
  );
}

/** How many; '' for none. */
function newsOf(fresh: number, gap: boolean): string {
  return fresh === 0 ? '' : `${fresh.toLocaleString('en')}${gap ? '+' : ''}`;
}

function ConnectionState({
  connection,
  paused,
}: {
  readonly connection: LiveState['connection'];
  readonly paused: boolean;
}) {
  const [look, text] = lookOf(connection, paused);
  return (
    <Group gap={8} wrap="nowrap" role="status">
      <span className={`${classes.dot} ${look}`} />
      <Text size="sm" fw={600}>
        {text}
      </Text>
    </Group>
  );
}

function lookOf(connection: LiveState['connection'], paused: boolean): readonly [string | undefined, string] {
  if (connection === 'failed') return [classes.still, 'Stopped'];
  if (connection === 'reconnecting') return [classes.wait, paused ? 'Paused, reconnecting…' : 'Reconnecting…'];
  if (connection === 'loading') return [classes.wait, 'Connecting…'];
  return paused ? [classes.still, 'Paused'] : [classes.live, 'Live'];
}
