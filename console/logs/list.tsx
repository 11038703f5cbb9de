/** The lines of the log, and what is below the last of them. */
import { Button, Stack, Text } from '@mantine/core';
import type { Ref } from 'react';
import { EventLine } from '../events/line.tsx';
import { Failure } from '../parts/failure.tsx';
import { daysOf } from './days.ts';
import { LINES_MAX } from './lines.ts';
import type { LiveState } from './live.ts';
import classes from './logs.module.css';

interface Props {
  readonly connector: string;
  readonly state: LiveState;
  readonly listRef: Ref<HTMLOListElement>;
  /** Number of the event that is open. */
  readonly line: number | undefined;
  /** New lines push the others down. */
  readonly moving: boolean;
  /** How long events are kept; 0 = without end. */
  readonly days: number | undefined;
  readonly onToggle: (seq: number) => void;
  readonly onOnly: (identity: string) => void;
  readonly onOlder: () => void;
}

export function Lines({ connector, state, listRef, line, moving, onToggle, onOnly, ...below }: Props) {
  const lines = state.log?.lines ?? [];
  const days = daysOf(
    lines.map(({ timestamp }) => timestamp),
    Date.now() * 1000,
  );
  return (
    <>
      {lines.length > 0 && (
        <div className={classes.heads} aria-hidden>
          <span />
          <span>Time</span>
          <span>Event</span>
          <span>Device</span>
          <span>From</span>
          <span>What</span>
        </div>
      )}
      <ol
        ref={listRef}
        className={`${classes.lines} ${moving ? classes.moving : ''}`}
        tabIndex={-1}
        aria-label="Events"
      >
        {lines.map((event, index) => (
          <EventLine
            key={event.seq}
            connector={connector}
            event={event}
            open={event.seq === line}
            day={days[index]}
            onToggle={onToggle}
            onOnly={onOnly}
          />
        ))}
      </ol>
      {lines.length > 0 && <Below state={state} {...below} />}
    </>
  );
}

function Below({ state, days, onOlder }: Pick<Props, 'state' | 'days' | 'onOlder'>) {
  const { log, loadingOlder, olderError } = state;
  const count = log?.lines.length ?? 0;
  const kept = days === undefined || days === 0 ? '' : ` Events are kept for ${days} ${days === 1 ? 'day' : 'days'}.`;
  const most = count >= LINES_MAX ? `${LINES_MAX.toLocaleString('en')} lines are shown, which is the most. ` : '';
  return (
    <Stack align="center" gap="xs" p="md">
      {olderError !== null && <Failure error={olderError} onRetry={onOlder} />}
      <Text size="sm" c="dimmed" ta="center">
        {log?.mayLoadOlder
          ? `${most || `${count.toLocaleString('en')} lines are shown. `}Older ones are further down the log.`
          : `${most}This is where the log begins.${kept}`}
      </Text>
      {log?.mayLoadOlder && (
        <Button variant="default" loading={loadingOlder} onClick={onOlder}>
          Load older
        </Button>
      )}
    </Stack>
  );
}
