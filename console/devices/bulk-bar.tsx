/** Stands below the list while devices are selected: what can be done to all of them, how far it is, and what failed. */
import { Alert, Button, CloseButton, Group, Paper, Progress, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import { explain } from '../api/failure.ts';
import { Confirm } from '../parts/confirm.tsx';
import { type BulkAction, bulkActions, nameAction } from './bulk-actions.ts';
import { BulkTagDialog } from './bulk-tag-dialog.tsx';
import { BulkWindowDialog } from './bulk-window-dialog.tsx';
import classes from './devices.module.css';
import { IdentityText } from './identity-text.tsx';
import { JobPanel } from './job-panel.tsx';
import { countDevices, formatNumber } from './paging.ts';
import type { Outcome } from './run-each.ts';
import type { BulkState } from './use-bulk.ts';
import type { JobControl } from './use-job.ts';

interface Props {
  readonly connector: string;
  readonly selected: readonly string[];
  /** How many of them are not on this page. */
  readonly elsewhere: number;
  /** The list goes on beyond this page. */
  readonly more: boolean;
  readonly state: BulkState;
  readonly onRun: (action: BulkAction, identities: readonly string[]) => void;
  readonly onDismiss: () => void;
  readonly onClear: () => void;
  /** Devices that fit the filter; undefined while that is not known. */
  readonly total: number | undefined;
  readonly filtered: boolean;
  /** All that fit are meant, on whatever page, not those that are selected. */
  readonly whole: boolean;
  readonly onWhole: () => void;
  readonly job: JobControl;
  readonly onRunAll: (action: BulkAction) => void;
}

export function BulkBar(props: Props) {
  const {
    connector,
    selected,
    elsewhere,
    more,
    state,
    onDismiss,
    onClear,
    total = 0,
    filtered,
    whole,
    onWhole,
    job,
  } = props;
  const [asked, setAsked] = useState<BulkAction | null>(null);
  const [tagging, setTagging] = useState(false);
  const [opening, setOpening] = useState(false);
  const onRun = (action: BulkAction, identities: readonly string[]) =>
    whole ? props.onRunAll(action) : props.onRun(action, identities);
  const start = (action: BulkAction) => (action.warning === undefined ? onRun(action, selected) : setAsked(action));
  const working = job.job !== null || job.error !== null || job.busy;
  const count = whole ? total : selected.length;
  if (selected.length === 0 && state.phase === 'idle' && !working) return null;
  return (
    <Paper component="section" withBorder p="xs" className={classes.bar} aria-label="Selected devices">
      {working && <JobPanel control={job} />}
      {state.phase === 'running' && <Running state={state} />}
      {state.phase === 'failed' && (
        <Failures
          action={state.action}
          outcome={state.outcome}
          onRetry={(identities) => props.onRun(state.action, identities)}
          onDismiss={onDismiss}
        />
      )}
      {state.phase === 'idle' && !working && selected.length > 0 && (
        <Choices
          selected={selected.length}
          elsewhere={elsewhere}
          more={more}
          total={total}
          filtered={filtered}
          whole={whole}
          onWhole={onWhole}
          onClear={onClear}
        >
          {[bulkActions.lock, bulkActions.unlock].map((action) => (
            <Action key={action.verb} action={action} onStart={start} />
          ))}
          <Button size="xs" variant="default" onClick={() => setTagging(true)}>
            Tag…
          </Button>
          <Button size="xs" variant="default" onClick={() => setOpening(true)}>
            Activation window…
          </Button>
          {[bulkActions.reprovision, bulkActions.revoke, bulkActions.delete].map((action) => (
            <Action key={action.verb} action={action} onStart={start} />
          ))}
        </Choices>
      )}
      <Ask
        action={asked}
        selected={whole ? [] : selected}
        count={count}
        onClose={() => setAsked(null)}
        onConfirm={(action) => {
          setAsked(null);
          onRun(action, selected);
        }}
      />
      <BulkWindowDialog
        connector={connector}
        count={count}
        opened={opening}
        onClose={() => setOpening(false)}
        onRun={(action) => onRun(action, selected)}
      />
      <BulkTagDialog
        connector={connector}
        count={count}
        opened={tagging}
        onClose={() => setTagging(false)}
        onRun={(action) => onRun(action, selected)}
      />
    </Paper>
  );
}

interface ChoicesProps {
  readonly selected: number;
  readonly elsewhere: number;
  /** The list goes on beyond this page. */
  readonly more: boolean;
  readonly total: number;
  readonly filtered: boolean;
  readonly whole: boolean;
  readonly onWhole: () => void;
  readonly onClear: () => void;
  readonly children: ReactNode;
}

function Choices(props: ChoicesProps) {
  const { selected, elsewhere, more, total, filtered, whole, onWhole, onClear, children } = props;
  if (whole) {
    return (
      <Group gap="sm" justify="space-between">
        <Group gap={4} wrap="nowrap">
          <CloseButton size="sm" aria-label="Clear the selection" onClick={onClear} />
          <Text size="sm" fw={600} role="status">
            All {formatNumber(total)} {filtered ? 'that fit the filter' : 'devices'} selected
          </Text>
        </Group>
        <Group gap={6}>{children}</Group>
      </Group>
    );
  }
  return (
    <Group gap="sm" justify="space-between">
      <Group gap={4} wrap="nowrap">
        <CloseButton size="sm" aria-label="Clear the selection" onClick={onClear} />
        <Text size="sm" fw={600} role="status">
          {formatNumber(selected)} selected
          {(elsewhere > 0 || more) && (
            <Text span inherit fw={400} c="dimmed">
              {elsewhere > 0 ? `, ${formatNumber(elsewhere)} of them on other pages` : ', all on this page'}
            </Text>
          )}
        </Text>
        {total > selected && (
          <Button size="compact-sm" variant="subtle" onClick={onWhole}>
            Select all {formatNumber(total)} {filtered ? 'that fit the filter' : 'devices'}
          </Button>
        )}
      </Group>
      <Group gap={6}>{children}</Group>
    </Group>
  );
}

interface ActionProps {
  readonly action: BulkAction;
  readonly onStart: (action: BulkAction) => void;
}

function Action({ action, onStart }: ActionProps) {
  const grave = action.warning !== undefined;
  return (
    <Button
      size="xs"
      variant={grave ? 'light' : 'default'}
      color={grave ? 'red' : undefined}
      onClick={() => onStart(action)}
    >
      {action.verb}
    </Button>
  );
}

function Running({ state }: { readonly state: Extract<BulkState, { phase: 'running' }> }) {
  const { action, through, total } = state;
  return (
    <Stack gap={6}>
      <Group justify="space-between">
        <Text size="sm" fw={600} role="status">
          {action.doing} {countDevices(total)}
        </Text>
        <Text size="sm" c="dimmed">
          {formatNumber(through)} of {formatNumber(total)}
        </Text>
      </Group>
      <Progress value={(through / total) * 100} aria-label={`${action.doing} ${countDevices(total)}`} />
    </Stack>
  );
}

interface FailuresProps {
  readonly action: BulkAction;
  readonly outcome: Outcome;
  readonly onRetry: (identities: readonly string[]) => void;
  readonly onDismiss: () => void;
}

function Failures({ action, outcome: { done, failed }, onRetry, onDismiss }: FailuresProps) {
  return (
    <Stack gap="xs">
      <Alert
        color="red"
        variant="light"
        role="alert"
        icon={<IconAlertTriangle aria-hidden />}
        title={`${countDevices(failed.length)} failed${done.length > 0 ? `, ${formatNumber(done.length)} ${action.done}` : ''}`}
      >
        {/* Scrolls by itself, so that it has to be reachable by keyboard. */}
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: see above */}
        <ul className={classes.failures} tabIndex={0} aria-label="Devices that failed">
          {failed.map(({ identity, error }) => (
            <li key={identity}>
              <Text span inherit fw={600}>
                <IdentityText identity={identity} />
              </Text>{' '}
              {explain(error)}
            </li>
          ))}
        </ul>
      </Alert>
      <Group gap="xs" justify="flex-end">
        <Button size="xs" variant="default" onClick={onDismiss}>
          Close
        </Button>
        <Button size="xs" onClick={() => onRetry(failed.map(({ identity }) => identity))}>
          Try again for {countDevices(failed.length)}
        </Button>
      </Group>
    </Stack>
  );
}

interface AskProps {
  readonly action: BulkAction | null;
  /** Named, as far as they are known by name. */
  readonly selected: readonly string[];
  readonly count: number;
  readonly onConfirm: (action: BulkAction) => void;
  readonly onClose: () => void;
}

/** Identities that are named before something grave is done. */
const NAMED = 8;

function Ask({ action, selected, count, onConfirm, onClose }: AskProps) {
  const title = action === null ? '' : nameAction(action, count);
  return (
    <Confirm
      opened={action !== null}
      title={`${title}?`}
      action={title}
      busy={false}
      onConfirm={() => action !== null && onConfirm(action)}
      onClose={onClose}
    >
      <Text size="sm">{action?.warning}</Text>
      <Stack gap={2} fz="sm">
        {selected.slice(0, NAMED).map((identity) => (
          <IdentityText key={identity} identity={identity} />
        ))}
        {selected.length > NAMED && <span>and {formatNumber(selected.length - NAMED)} more</span>}
      </Stack>
    </Confirm>
  );
}
