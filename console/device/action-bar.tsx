/** The buttons that change a device. Each opens a dialog that says what will happen; afterwards a message says what did. */
import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { api, unwrap } from '../api/client.ts';
import { deviceQuery, settingsQuery } from '../api/queries.ts';
import { useMay } from '../api/role.ts';
import type { Identity } from '../api/types.ts';
import { hoursWanted, windowEnd } from '../parts/activation-window.ts';
import { Confirm } from '../parts/confirm.tsx';
import { formatExact } from '../parts/format-time.ts';
import { visible } from '../parts/visible.ts';
import { type Action, actionOf, isPossible, possibleActions } from './actions.ts';
import { actionIcons } from './icons.tsx';
import type { ActionName } from './search.ts';

const path = '/api:1/service/{connector}/device2/identity/{identity}';
const here = '/connectors/$connector/devices/$identity';

interface Props {
  readonly connector: string;
  readonly device: Identity;
}

export function Actions({ connector, device }: Props) {
  const may = useMay('operator');
  const navigate = useNavigate();
  const { dialog } = useSearch({ from: here });
  const open = (name: ActionName | undefined) =>
    void navigate({ from: here, search: (search) => ({ ...search, dialog: name }), replace: name === undefined });
  if (!may) return null;
  const action = dialog !== undefined && isPossible(dialog, device) ? actionOf(dialog) : null;
  return (
    <>
      <Group gap="xs">
        {possibleActions(device).map(({ name, label, grave }) => (
          <Button
            key={name}
            size="xs"
            variant="default"
            leftSection={actionIcons[name]}
            c={grave && name !== 'lock' ? 'var(--mantine-color-error)' : undefined}
            onClick={() => open(name)}
          >
            {label}
          </Button>
        ))}
      </Group>
      {action !== null && (
        <Dialog
          key={action.name}
          connector={connector}
          device={device}
          action={action}
          onClose={() => open(undefined)}
        />
      )}
    </>
  );
}

interface DialogProps extends Props {
  readonly action: Action;
  readonly onClose: () => void;
}

function Dialog({ connector, device, action, onClose }: DialogProps) {
  const { identity } = device;
  const client = useQueryClient();
  const navigate = useNavigate();
  const { data } = useQuery(settingsQuery(connector));
  const [typed, setTyped] = useState<string | null>(null);
  const hours = typed ?? String(data?.settings.provisioning.expire_hours ?? '');
  const closes = windowEnd(hours, Date.now() * 1000);
  const run = useMutation({
    mutationFn: () => carryOut(connector, identity, action.name, closes),
    onSuccess: async (changed) => {
      const told =
        action.name === 'window' && closes !== null ? ` It closes on ${formatExact(closes).slice(0, 16)}.` : '';
      notifications.show({ color: 'teal', title: identity, message: action.after + told });
      if (changed === null) {
        await navigate({ to: '/connectors/$connector/devices', params: { connector } });
        client.removeQueries({ queryKey: deviceQuery(connector, identity).queryKey });
      } else {
        client.setQueryData(deviceQuery(connector, identity).queryKey, changed);
        onClose();
      }
      const touched = ['devices', 'events', 'explain'];
      await Promise.all(touched.map((key) => client.invalidateQueries({ queryKey: [key, connector] })));
    },
  });
  return (
    <Confirm
      opened
      title={action.question}
      action={action.verb}
      color={action.grave ? undefined : 'harbour'}
      disabled={action.name === 'window' && closes === null}
      busy={run.isPending}
      error={run.error}
      onConfirm={() => run.mutate()}
      onClose={onClose}
    >
      <Text className="mono" fw={600}>
        {visible(identity)}
      </Text>
      <Text size="sm">{action.before}</Text>
      {action.name === 'window' && (
        <Stack gap={4}>
          <TextInput
            label="Hours from now"
            inputMode="decimal"
            data-autofocus
            value={hours}
            error={hours !== '' && closes === null ? hoursWanted : undefined}
            onChange={(event) => setTyped(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && closes !== null) run.mutate();
            }}
          />
          <Text size="sm" c="dimmed" aria-live="polite">
            {nowText(device)}
            {closes !== null && ` New: until ${formatExact(closes).slice(0, 16)}.`}
          </Text>
        </Stack>
      )}
    </Confirm>
  );
}

function nowText({ auth: { expire } }: Identity): string {
  if (expire === undefined) return 'Now: no end.';
  if (expire === 0) return 'Now: revoked.';
  const verb = expire <= Date.now() * 1000 ? 'closed on' : 'until';
  return `Now: ${verb} ${formatExact(expire).slice(0, 16)}.`;
}

/** The device as it is now; null once it is deleted. */
async function carryOut(
  connector: string,
  identity: string,
  name: ActionName,
  closes: number | null,
): Promise<Identity | null> {
  const params = { path: { connector, identity } };
  if (name === 'delete') {
    await unwrap(api.DELETE(path, { params }));
    return null;
  }
  const bodies = {
    lock: { locked: true },
    unlock: { locked: false },
    window: { auth: { expire: closes } },
    keep: { auth: { expire: null } },
    reprovision: { reprovision: true },
    withdraw: { reprovision: false },
    revoke: { auth: { expire: 0 } },
  };
  return unwrap(api.PATCH(path, { params, body: bodies[name] })) as Promise<Identity>;
}
