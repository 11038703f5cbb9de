/** Where an account is signed in, and the end of that. */
import { Badge, Button, Group, Paper, Skeleton, Stack, Table, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, unwrap } from '../api/client.ts';
import type { Session } from '../api/types.ts';
import { Failure } from '../parts/failure.tsx';
import { Ago } from '../parts/time.tsx';
import { ownSessionsQuery } from './queries.ts';

export function OwnSessions() {
  const { data, error, refetch } = useQuery(ownSessionsQuery);
  const client = useQueryClient();
  const end = useMutation({
    mutationFn: (session: string) =>
      unwrap(api.DELETE('/api:1/users/me/sessions/{session}', { params: { path: { session } } })),
    onSettled: () => client.invalidateQueries(ownSessionsQuery),
  });
  return (
    <Paper withBorder p="md" className="card">
      <Stack>
        <Title order={2} size="h4">
          Sessions
        </Title>
        {error && !data && <Failure error={error} onRetry={() => void refetch()} />}
        {!error && !data && <Skeleton height={60} />}
        {data && <SessionTable sessions={data.sessions} busy={end.isPending} onEnd={({ id }) => end.mutate(id)} />}
        {end.error && <Failure error={end.error} />}
      </Stack>
    </Paper>
  );
}

interface Props {
  readonly sessions: readonly Session[];
  readonly busy: boolean;
  readonly onEnd: (session: Session) => void;
}

export function SessionTable({ sessions, busy, onEnd }: Props) {
  if (sessions.length === 0) return <Text size="sm">Signed in nowhere.</Text>;
  return (
    <Table verticalSpacing="xs">
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">From</Table.Th>
          <Table.Th scope="col">Last used</Table.Th>
          <Table.Th scope="col">
            <span className="visually-hidden">Action</span>
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {sessions.map((session) => (
          <Table.Tr key={session.id}>
            <Table.Td>
              <Text size="sm">{session.ip ?? 'unknown address'}</Text>
              <Text size="xs" c="dimmed" lineClamp={2} style={{ overflowWrap: 'anywhere' }}>
                {session.agent}
              </Text>
            </Table.Td>
            <Table.Td>
              <Text size="sm" component="div">
                <Ago at={session.used} />
              </Text>
            </Table.Td>
            <Table.Td>
              <Group justify="flex-end">
                {session.current ? (
                  <Badge variant="light">This one</Badge>
                ) : (
                  <Button
                    size="xs"
                    variant="default"
                    disabled={busy}
                    aria-label={`End the session from ${session.ip ?? 'an unknown address'}`}
                    onClick={() => onEnd(session)}
                  >
                    End
                  </Button>
                )}
              </Group>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
