/** Who may sign in: accounts with their roles and connectors, new ones, links, sessions. */
import { ActionIcon, Badge, Button, Group, Menu, Paper, Skeleton, Stack, Table, Text, Title } from '@mantine/core';
import { IconDots, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { usersQuery } from '../account/queries.ts';
import { connectorsQuery, meQuery } from '../api/queries.ts';
import type { User } from '../api/types.ts';
import { Failure } from '../parts/failure.tsx';
import { Ago } from '../parts/time.tsx';
import { type Deed, DeedDialog } from './deeds.tsx';
import { UserDialog } from './dialog.tsx';
import { LinkShown } from './link-shown.tsx';

export function PeoplePage() {
  const { data, error, refetch } = useQuery(usersQuery);
  const [editing, setEditing] = useState<User | 'new' | null>(null);
  const [deed, setDeed] = useState<{ readonly kind: Deed; readonly user: User } | null>(null);
  const [link, setLink] = useState<{ readonly email: string; readonly link: string } | null>(null);
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={2} size="h3">
          People
        </Title>
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEditing('new')}>
          ADD PERSON
        </Button>
      </Group>
      {error && !data && <Failure error={error} onRetry={() => void refetch()} />}
      <Paper withBorder className="card">
        {!error && !data && <Skeleton height={120} />}
        {data && (
          <Table verticalSpacing="sm" horizontalSpacing="md">
            <Table.Thead>
              <Table.Tr>
                <Table.Th scope="col">Email</Table.Th>
                <Table.Th scope="col">Role</Table.Th>
                <Table.Th scope="col" visibleFrom="sm">
                  Connectors
                </Table.Th>
                <Table.Th scope="col" visibleFrom="sm">
                  State
                </Table.Th>
                <Table.Th scope="col">
                  <span className="visually-hidden">Actions</span>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {data.users.map((user) => (
                <Row
                  key={user.id}
                  user={user}
                  onEdit={() => setEditing(user)}
                  onDeed={(kind) => setDeed({ kind, user })}
                />
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Paper>
      {editing !== null && (
        <UserDialog
          user={editing === 'new' ? null : editing}
          onClose={() => setEditing(null)}
          onLink={(email, path) => setLink({ email, link: path })}
        />
      )}
      {deed !== null && (
        <DeedDialog
          {...deed}
          onClose={() => setDeed(null)}
          onLink={(path) => setLink({ email: deed.user.email, link: path })}
        />
      )}
      {link !== null && <LinkShown {...link} onClose={() => setLink(null)} />}
    </Stack>
  );
}

interface RowProps {
  readonly user: User;
  readonly onEdit: () => void;
  readonly onDeed: (deed: Deed) => void;
}

function Row({ user, onEdit, onDeed }: RowProps) {
  const { data: me } = useQuery(meQuery);
  return (
    <Table.Tr>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>
        {user.email}
        {me?.id === user.id && (
          <Text span size="sm" c="dimmed">
            {' '}
            (you)
          </Text>
        )}
      </Table.Td>
      <Table.Td>{user.role}</Table.Td>
      <Table.Td visibleFrom="sm">
        <Connectors ids={user.connectors} />
      </Table.Td>
      <Table.Td visibleFrom="sm">
        <State user={user} />
      </Table.Td>
      <Table.Td>
        <Group justify="flex-end">
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon variant="subtle" color="gray" aria-label={`Actions for ${user.email}`}>
                <IconDots size={18} aria-hidden />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={onEdit}>Change…</Menu.Item>
              {!user.provided && <Menu.Item onClick={() => onDeed('link')}>New link to set a password…</Menu.Item>}
              <Menu.Item onClick={() => onDeed('sessions')}>Sessions…</Menu.Item>
              {user.second_factor && <Menu.Item onClick={() => onDeed('factor')}>Remove the second factor…</Menu.Item>}
              <Menu.Divider />
              <Menu.Item color="red" onClick={() => onDeed('remove')}>
                Remove…
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}

function Connectors({ ids }: { readonly ids: readonly string[] | null }) {
  const { data } = useQuery(connectorsQuery);
  if (ids === null) return 'all';
  if (ids.length === 0) return 'none';
  if (data === undefined) return <Skeleton height={14} width={120} />;
  const names = ids.map((id) => data.find((connector) => connector.id === id)?.name ?? 'a deleted one');
  return <Text size="sm">{names.join(', ')}</Text>;
}

function State({ user }: { readonly user: User }) {
  if (!user.has_password && !user.provided) {
    return user.link_expires === null ? (
      <Text size="sm">invited; the link has ended</Text>
    ) : (
      <Text size="sm" component="div">
        invited; the link ends <Ago at={user.link_expires} />
      </Text>
    );
  }
  return (
    <Group gap={4}>
      {user.provided && <Badge variant="light">by the provider</Badge>}
      {user.second_factor && <Badge variant="light">second factor</Badge>}
      {!user.provided && !user.second_factor && <Text size="sm">password</Text>}
    </Group>
  );
}
