/** What cannot be undone: the connector's end. */
import { Button, Group, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api, unwrap } from '../api/client.ts';
import { connectorQuery, connectorsQuery, deviceCountQuery, settingsQuery } from '../api/queries.ts';
import { Confirm } from '../parts/confirm.tsx';
import { Section } from './section.tsx';
import { plural } from './words.ts';

export function DangerZone({ onDelete }: { readonly onDelete: () => void }) {
  return (
    <Section id="danger">
      <Group justify="space-between">
        <Text size="sm" style={{ flex: '1 1 260px' }}>
          Deleting the connector deletes its devices, their credentials, their values and its log. Nobody can bring them
          back.
        </Text>
        <Button color="red" variant="light" onClick={onDelete}>
          Delete connector
        </Button>
      </Group>
    </Section>
  );
}

interface DeleteProps {
  readonly connector: string;
  /** As it is saved. */
  readonly name: string;
  readonly opened: boolean;
  readonly onClose: () => void;
}

export function DeleteConnector({ connector, name, opened, onClose }: DeleteProps) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [typed, setTyped] = useState('');
  const { data } = useQuery({ ...deviceCountQuery(connector, {}), enabled: opened });
  const remove = useMutation({
    mutationFn: () =>
      unwrap(
        api.DELETE('/api:1/connectors/{connector}', { params: { path: { connector }, query: { confirm: typed } } }),
      ),
    onSuccess: async () => {
      // Nothing may be lost any more by leaving.
      await navigate({ to: '/', ignoreBlocker: true });
      for (const { queryKey } of [connectorQuery(connector), settingsQuery(connector)])
        client.removeQueries({ queryKey });
      await client.invalidateQueries(connectorsQuery);
      notifications.show({ color: 'teal', title: 'Connector deleted', message: name });
    },
  });
  return (
    <Confirm
      opened={opened}
      title={`Delete ${name}?`}
      action="Delete connector"
      disabled={typed !== name}
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <Text size="sm">
        {data === undefined
          ? 'Its devices'
          : data.count === 0
            ? 'It has no devices. Its settings'
            : plural(data.count, 'device')}{' '}
        and the whole log are deleted for good. What its devices send is refused from then on.
      </Text>
      <TextInput
        label="To confirm, type the name of the connector"
        description={name}
        data-autofocus
        autoComplete="off"
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
    </Confirm>
  );
}
