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
import { countDevices, formatNumber } from './paging.ts';
import type { Outcome } from './run-each.ts';
import type { BulkState } from './use-bulk.ts';

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
}

export function BulkBar({ connector, selected, elsewhere, more, state, onRun, onDismiss, onClear }: Props) {
  const [asked, setAsked] = useState<BulkAction | null>(null);
  const [tagging, setTagging] = useState(false);
  const [opening, setOpening] = useState(false);
  const start = (action: BulkAction) => (action.warning === undefined ? onRun(action, selected) : setAsked(action));
  if (selected.length === 0 && state.phase === 'idle') return null;
  return (
    <Paper component="section" withBorder p="xs" className={classes.bar} aria-label="Selected devices">
      {state.phase === 'running' && <Running state={state} />}
      {state.phase === 'failed' && (
        <Failures
          action={state.action}
          outcome={state.outcome}
          onRetry={(identities) => onRun(state.action, identities)}
          onDismiss={onDismiss}
        />
      )}
      {state.phase === 'idle' && (
        <Choices selected={selected.length} elsewhere={elsewhere} more={more} onClear={onClear}>
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
        selected={selected}
        onClose={() => setAsked(null)}
        onConfirm={(action) => {
          setAsked(null);
          onRun(action, selected);
        }}
      />
      <BulkWindowDialog
        connector={connector}
        count={selected.length}
        opened={opening}
        onClose={() => setOpening(false)}
        onRun={(action) => onRun(action, selected)}
      />
      <BulkTagDialog
        connector={connector}
        count={selected.length}
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
  readonly onClear: () => void;
  readonly children: ReactNode;
}

function Choices({ selected, elsewhere, more, onClear, children }: ChoicesProps) {
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
  readonly selected: readonly string[];
  readonly onConfirm: (action: BulkAction) => void;
  readonly onClose: () => void;
}

/** Identities that are named before something grave is done. */
const NAMED = 8;

function Ask({ action, selected, onConfirm, onClose }: AskProps) {
  const title = action === null ? '' : nameAction(action, selected.length);
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
