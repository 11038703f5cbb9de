/** What a job over all devices that fit the filter is doing, or has done: progress, a way to stop it, and its undoing. */
import { Alert, Button, Group, Progress, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { Failure } from '../parts/failure.tsx';
import classes from './devices.module.css';
import { IdentityText } from './identity-text.tsx';
import { outcomeOf, throughOf } from './job-text.ts';
import { countDevices, formatNumber } from './paging.ts';
import type { JobControl } from './use-job.ts';

export function JobPanel({ control }: { readonly control: JobControl }) {
  const { job, action, error, busy, cancel, undo, dismiss } = control;
  const close = (
    <Button size="xs" variant="default" onClick={dismiss}>
      Close
    </Button>
  );
  if (job === null || action === null) {
    if (error === null) {
      return (
        <Text size="sm" fw={600} role="status">
          {action?.doing} devices…
        </Text>
      );
    }
    return (
      <Stack gap="xs">
        <Failure error={error} />
        <Group justify="flex-end">{close}</Group>
      </Stack>
    );
  }
  if (job.finished === null) {
    const [through, of] = throughOf(job);
    const doing = job.state === 'undoing' ? 'Undoing for' : action.doing;
    return (
      <Stack gap={6}>
        <Group justify="space-between">
          <Text size="sm" fw={600} role="status">
            {doing} {countDevices(of)}
          </Text>
          <Group gap="sm">
            <Text size="sm" c="dimmed">
              {formatNumber(through)} of {formatNumber(of)}
            </Text>
            {job.state === 'running' && (
              <Button size="compact-xs" variant="default" loading={busy} onClick={cancel}>
                Stop
              </Button>
            )}
          </Group>
        </Group>
        <Progress value={of === 0 ? 100 : (through / of) * 100} aria-label={`${doing} ${countDevices(of)}`} />
      </Stack>
    );
  }
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Text size="sm" fw={600} role="status">
          {job.state === 'cancelled' ? 'Stopped: ' : ''}
          {outcomeOf(job, action.done)}
        </Text>
        <Group gap="xs">
          {job.undoable && (
            <Button size="xs" variant="default" loading={busy} onClick={undo}>
              Undo
            </Button>
          )}
          {close}
        </Group>
      </Group>
      {error !== null && <Failure error={error} />}
      {job.refusals.length > 0 && job.state !== 'undone' && (
        <Alert color="orange" variant="light" icon={<IconAlertTriangle aria-hidden />} title="Refused">
          {/* Scrolls by itself, so that it has to be reachable by keyboard. */}
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: see above */}
          <ul className={classes.failures} tabIndex={0} aria-label="Devices that were refused">
            {job.refusals.map(({ identity, message }) => (
              <li key={identity}>
                <Text span inherit fw={600}>
                  <IdentityText identity={identity} />
                </Text>{' '}
                {message}
              </li>
            ))}
            {job.refused > job.refusals.length && <li>and {formatNumber(job.refused - job.refusals.length)} more</li>}
          </ul>
        </Alert>
      )}
    </Stack>
  );
}
