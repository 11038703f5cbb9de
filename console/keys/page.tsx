/** The keys of programs: who made them, what they may do, when they were last used; new ones, and their end. */
import { Button, Group, Paper, Skeleton, Stack, Table, Text, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconKey, IconPlus } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keysQuery } from '../account/queries.ts';
import { api, unwrap } from '../api/client.ts';
import { connectorsQuery } from '../api/queries.ts';
import type { ApiKey } from '../api/types.ts';
import { Confirm } from '../parts/confirm.tsx';
import { Empty } from '../parts/empty.tsx';
import { Failure } from '../parts/failure.tsx';
import { ShownOnce } from '../parts/shown-once.tsx';
import { Ago } from '../parts/time.tsx';
import { withProof } from '../proof/ask.ts';
import { KeyDialog } from './dialog.tsx';

export function KeysPage() {
  const { data, error, refetch } = useQuery(keysQuery);
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState<string | null>(null);
  const [deleting, setDeleting] = useState<ApiKey | null>(null);
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={2} size="h3">
          API keys
        </Title>
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setAdding(true)}>
          NEW KEY
        </Button>
      </Group>
      {error && !data && <Failure error={error} onRetry={() => void refetch()} />}
      <Paper withBorder className="card">
        {!error && !data && <Skeleton height={120} />}
        {data?.keys.length === 0 && (
          <Empty icon={<IconKey size={28} />} title="No API key yet">
            A key lets a program call the management API, with a role, for one connector or all.
          </Empty>
        )}
        {data !== undefined && data.keys.length > 0 && <Keys keys={data.keys} onDelete={setDeleting} />}
      </Paper>
      {adding && <KeyDialog onClose={() => setAdding(false)} onMade={setMade} />}
      {made !== null && (
        <ShownOnce title="Your new key" label="The key" secret={made} onClose={() => setMade(null)}>
          The program sends it with each request, as <code>Authorization: token …</code>
        </ShownOnce>
      )}
      {deleting !== null && <Delete of={deleting} onClose={() => setDeleting(null)} />}
    </Stack>
  );
}

function Keys({ keys, onDelete }: { readonly keys: readonly ApiKey[]; readonly onDelete: (key: ApiKey) => void }) {
  const { data: connectors } = useQuery(connectorsQuery);
  const nameOf = (id: string) =>
    connectors?.find((connector) => connector.id === id)?.name ?? (connectors === undefined ? '…' : 'a deleted one');
  return (
    <Table verticalSpacing="sm" horizontalSpacing="md">
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">Name</Table.Th>
          <Table.Th scope="col" visibleFrom="sm">
            Role
          </Table.Th>
          <Table.Th scope="col" visibleFrom="sm">
            Connector
          </Table.Th>
          <Table.Th scope="col">Last used</Table.Th>
          <Table.Th scope="col" visibleFrom="sm">
            Ends
          </Table.Th>
          <Table.Th scope="col">
            <span className="visually-hidden">Action</span>
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {keys.map((key) => (
          <Table.Tr key={key.id}>
            <Table.Td style={{ overflowWrap: 'anywhere' }}>
              {key.name}
              <Text size="xs" c="dimmed">
                made by {key.creator}
              </Text>
            </Table.Td>
            <Table.Td visibleFrom="sm">{key.role}</Table.Td>
            <Table.Td visibleFrom="sm">{key.connector === null ? 'all' : nameOf(key.connector)}</Table.Td>
            <Table.Td>
              <Ago at={key.used} />
            </Table.Td>
            <Table.Td visibleFrom="sm">
              <Ago at={key.expires} />
            </Table.Td>
            <Table.Td>
              <Group justify="flex-end">
                <Button
                  size="xs"
                  variant="default"
                  aria-label={`Delete the key ${key.name}`}
                  onClick={() => onDelete(key)}
                >
                  Delete
                </Button>
              </Group>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Delete({ of: { id, name }, onClose }: { readonly of: ApiKey; readonly onClose: () => void }) {
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: () => withProof(() => unwrap(api.DELETE('/api:1/keys/{key}', { params: { path: { key: id } } }))),
    onSuccess: async () => {
      onClose();
      notifications.show({ color: 'teal', title: 'Key deleted', message: name });
      await client.invalidateQueries(keysQuery);
    },
  });
  return (
    <Confirm
      opened
      title="Delete this key?"
      action="Delete"
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <Text size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
        {name}
      </Text>
      <Text size="sm">Programs that use it are refused from now on.</Text>
    </Confirm>
  );
}
