/** Opens the activation window of the selected devices anew. */
import { Button, Group, Modal, NumberInput, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { settingsQuery } from '../api/queries.ts';
import { hoursWanted, usualHours, windowEnd } from '../parts/activation-window.ts';
import { formatExact } from '../parts/format-time.ts';
import { type BulkAction, windowAction } from './bulk-actions.ts';
import { countDevices } from './paging.ts';

interface Props {
  readonly connector: string;
  readonly count: number;
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly onRun: (action: BulkAction) => void;
}

export function BulkWindowDialog({ count, opened, onClose, ...rest }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title={`Activation window of ${countDevices(count)}`} centered>
      <WindowForm onClose={onClose} {...rest} />
    </Modal>
  );
}

function WindowForm({ connector, onClose, onRun }: Omit<Props, 'count' | 'opened'>) {
  const { data } = useQuery(settingsQuery(connector));
  const [typed, setTyped] = useState<number | string | null>(null);
  const hours = typed ?? usualHours(data?.settings.provisioning.expire_hours);
  const end = windowEnd(hours, Date.now() * 1000);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (end === null) return;
    onClose();
    onRun(windowAction(end));
  };
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <NumberInput
          data-autofocus
          label="Hours from now"
          suffix=" hours"
          min={0}
          clampBehavior="none"
          value={hours}
          error={end === null ? hoursWanted : undefined}
          description={end === null ? undefined : `Open until ${formatExact(end).slice(0, 16)}`}
          inputWrapperOrder={['label', 'input', 'error', 'description']}
          onChange={setTyped}
        />
        <Text size="sm" c="dimmed">
          The devices have to provision before the window closes. Windows that have closed and entries that were revoked
          open again; devices that have a credential already stay as they are.
        </Text>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" disabled={end === null}>
            Set the window
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
