/** Makes a webhook, and shows its secret, this once. */
import { Button, Checkbox, Group, Modal, ScrollArea, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { EventType } from '../../src/domain/connector.ts';
import { allEventTypes, eventLabels } from '../events/labels.ts';
import { Failure } from '../parts/failure.tsx';
import { createWebhook, webhooksKey } from './queries.ts';
import { Secret } from './secret.tsx';

interface Props {
  readonly connector: string;
  readonly opened: boolean;
  readonly onClose: () => void;
}

export function NewWebhook({ connector, opened, onClose }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title="New webhook" centered>
      <Form connector={connector} onClose={onClose} />
    </Modal>
  );
}

function Form({ connector, onClose }: Omit<Props, 'opened'>) {
  const client = useQueryClient();
  const [url, setUrl] = useState('');
  const [types, setTypes] = useState<readonly EventType[]>(allEventTypes);
  const making = useMutation({
    // No list means all, also those of later versions.
    mutationFn: () => createWebhook(connector, { url, types: types.length === allEventTypes.length ? [] : [...types] }),
    onSuccess: () => client.invalidateQueries({ queryKey: webhooksKey(connector) }),
  });
  if (making.data?.secret !== undefined) return <Secret value={making.data.secret} onClose={onClose} />;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    making.mutate();
  };
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <TextInput
          data-autofocus
          label="URL"
          placeholder="https://example.com/slipway"
          description="A public address. Others have to be allowed in the configuration of the server."
          value={url}
          onChange={({ currentTarget }) => setUrl(currentTarget.value)}
        />
        <Stack gap={6}>
          <Group justify="space-between">
            <Text size="sm" fw={500}>
              Events
            </Text>
            <Button
              size="compact-xs"
              variant="subtle"
              onClick={() => setTypes(types.length === allEventTypes.length ? [] : allEventTypes)}
            >
              {types.length === allEventTypes.length ? 'None' : 'All'}
            </Button>
          </Group>
          <ScrollArea.Autosize mah={220} type="auto" viewportProps={{ tabIndex: 0 }}>
            <Checkbox.Group
              value={[...types]}
              onChange={(names) => setTypes(allEventTypes.filter((type) => names.includes(type)))}
              aria-label="Types of events"
            >
              <Stack gap={6} px={2} py={2}>
                {allEventTypes.map((type) => (
                  <Checkbox key={type} value={type} label={eventLabels[type].label} size="sm" />
                ))}
              </Stack>
            </Checkbox.Group>
          </ScrollArea.Autosize>
        </Stack>
        {making.error !== null && <Failure error={making.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={making.isPending} disabled={url === '' || types.length === 0}>
            SUBMIT
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
