/** The Solutions: every connector with what goes on in it, and a new one. */
import { Button, Group, Paper, SimpleGrid, Skeleton, Stack, Text, Title } from '@mantine/core';
import { IconPlus, IconShip } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { connectorsQuery, meQuery } from '../api/queries.ts';
import type { Connector } from '../api/types.ts';
import { Empty } from '../parts/empty.tsx';
import { Failure } from '../parts/failure.tsx';
import { TextLink } from '../parts/link.tsx';
import { NewConnector } from './new-connector.tsx';

export function SolutionsPage() {
  const [adding, setAdding] = useState(false);
  const { data: me } = useQuery(meQuery);
  const { data, error, refetch } = useQuery(connectorsQuery);
  const mayAdd = me?.role === 'admin';
  const button = mayAdd && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setAdding(true)}>
      NEW CONNECTOR
    </Button>
  );
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1} size="h2">
          Solutions
        </Title>
        {button}
      </Group>
      {error && !data && <Failure error={error} onRetry={() => void refetch()} />}
      {!error && !data && <Waiting />}
      {data?.length === 0 && (
        <Paper withBorder className="card">
          <Empty icon={<IconShip size={28} />} title="No connector yet" action={button}>
            A connector is the front door of one product: its devices, their identities, and how they prove who they
            are.
          </Empty>
        </Paper>
      )}
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
        {data?.map((connector) => (
          <Card key={connector.id} connector={connector} />
        ))}
      </SimpleGrid>
      <NewConnector opened={adding} onClose={() => setAdding(false)} />
    </Stack>
  );
}

function Card({ connector }: { readonly connector: Connector }) {
  return (
    <Paper withBorder p="md" className="card">
      <Stack gap="xs">
        <TextLink to="/connectors/$connector/devices" params={{ connector: connector.id }} fw={650} size="lg">
          {connector.name}
        </TextLink>
        <Text size="sm" c="dimmed" lineClamp={2}>
          {connector.description}
        </Text>
        <Text size="sm" className="mono">
          {connector.id}
        </Text>
      </Stack>
    </Paper>
  );
}

function Waiting() {
  return (
    <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} aria-busy aria-label="Loading">
      {['a', 'b', 'c'].map((key) => (
        <Skeleton key={key} height={128} radius="md" />
      ))}
    </SimpleGrid>
  );
}
