/** One webhook: where to, which events, how it does; to switch it on and off, to look at its deliveries, to send again. */
import { Alert, Badge, Button, Group, Modal, NumberInput, Paper, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { Webhook } from '../api/types.ts';
import { Confirm } from '../parts/confirm.tsx';
import { Failure } from '../parts/failure.tsx';
import { formatExact } from '../parts/format-time.ts';
import { Ago } from '../parts/time.tsx';
import { Deliveries } from './deliveries.tsx';
import { changeWebhook, deleteWebhook, replayWebhook, webhooksKey } from './queries.ts';
import { Secret } from './secret.tsx';
import { stateLooks, troubleOf, typesText } from './words.ts';

interface Props {
  readonly connector: string;
  readonly hook: Webhook;
}

export function WebhookCard({ connector, hook }: Props) {
  const client = useQueryClient();
  const [opened, setOpened] = useState(false);
  const [asked, setAsked] = useState<'delete' | 'replay' | null>(null);
  const onSuccess = () => client.invalidateQueries({ queryKey: webhooksKey(connector) });
  const switching = useMutation({
    mutationFn: (enabled: boolean) => changeWebhook(connector, hook.id, { enabled }),
    onSuccess,
  });
  const rotating = useMutation({ mutationFn: () => changeWebhook(connector, hook.id, { rotate_secret: true }) });
  const deleting = useMutation({ mutationFn: () => deleteWebhook(connector, hook.id), onSuccess });
  const { label, color } = stateLooks[hook.state];
  const trouble = troubleOf(hook);
  const resumes = hook.state === 'paused' || hook.state === 'failing';
  return (
    <Paper component="section" withBorder p="sm" aria-label={`Webhook to ${hook.url}`}>
      <Stack gap="xs">
        <Group justify="space-between" gap="xs">
          <Text fw={600} size="sm" className="mono" style={{ overflowWrap: 'anywhere' }}>
            {hook.url}
          </Text>
          <Badge color={color} variant="light" role="status">
            {label}
          </Badge>
        </Group>
        <Text size="sm" c="dimmed">
          {typesText(hook)}. Last delivery <Ago at={hook.last_success} />
          {hook.next_try !== null && `, next try ${formatExact(hook.next_try).slice(11, 19)}`}.
        </Text>
        {trouble !== null && (
          <Alert color={color} variant="light" icon={<IconAlertTriangle aria-hidden />}>
            <Text size="sm">{trouble}</Text>
          </Alert>
        )}
        {hook.missed !== null && (
          <Alert color="red" variant="light" icon={<IconAlertTriangle aria-hidden />}>
            <Text size="sm">
              Events from {formatExact(hook.missed.from)} to {formatExact(hook.missed.to)} may be missing: they were no
              longer kept when their turn came.
            </Text>
          </Alert>
        )}
        {switching.error !== null && <Failure error={switching.error} />}
        {rotating.error !== null && <Failure error={rotating.error} />}
        <Group gap={6}>
          {resumes && (
            <Button size="xs" loading={switching.isPending} onClick={() => switching.mutate(true)}>
              {hook.state === 'paused' ? 'Resume' : 'Try now'}
            </Button>
          )}
          <Button
            size="xs"
            variant="default"
            loading={switching.isPending}
            onClick={() => switching.mutate(!hook.enabled)}
          >
            {hook.enabled ? 'Switch off' : 'Switch on'}
          </Button>
          <Button size="xs" variant="default" aria-expanded={opened} onClick={() => setOpened((before) => !before)}>
            Deliveries
          </Button>
          <Button size="xs" variant="default" onClick={() => setAsked('replay')}>
            Replay…
          </Button>
          <Button size="xs" variant="default" loading={rotating.isPending} onClick={() => rotating.mutate()}>
            New secret
          </Button>
          <Button size="xs" variant="light" color="red" onClick={() => setAsked('delete')}>
            Delete
          </Button>
        </Group>
        {opened && <Deliveries connector={connector} hook={hook.id} />}
      </Stack>
      <Confirm
        opened={asked === 'delete'}
        title="Delete the webhook?"
        action="Delete the webhook"
        busy={deleting.isPending}
        error={deleting.error}
        onConfirm={() => deleting.mutate()}
        onClose={() => setAsked(null)}
      >
        <Text size="sm">Nothing is sent to {hook.url} any more, and its place in the log is forgotten.</Text>
      </Confirm>
      <Modal opened={asked === 'replay'} onClose={() => setAsked(null)} title="Deliver again" centered>
        <Replay connector={connector} hook={hook} onClose={() => setAsked(null)} />
      </Modal>
      <Modal opened={rotating.data !== undefined} onClose={() => rotating.reset()} title="New secret" centered>
        <Secret value={rotating.data?.secret ?? ''} onClose={() => rotating.reset()} />
      </Modal>
    </Paper>
  );
}

function Replay({ connector, hook, onClose }: Props & { readonly onClose: () => void }) {
  const client = useQueryClient();
  const [after, setAfter] = useState<number | string>(hook.position);
  const replaying = useMutation({
    mutationFn: () => replayWebhook(connector, hook.id, Number(after)),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: webhooksKey(connector) });
      onClose();
    },
  });
  return (
    <Stack>
      <NumberInput
        data-autofocus
        label="After sequence number"
        description={`All behind it is delivered, once more where it was already. It is at ${hook.position} now; 0 sends everything that is kept.`}
        min={0}
        allowDecimal={false}
        value={after}
        onChange={setAfter}
      />
      {replaying.error !== null && <Failure error={replaying.error} />}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button loading={replaying.isPending} disabled={after === ''} onClick={() => replaying.mutate()}>
          Deliver again
        </Button>
      </Group>
    </Stack>
  );
}
