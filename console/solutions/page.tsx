/** The Solutions: every connector with what goes on in it, and a new one. */
import { Badge, Button, Group, Paper, Skeleton, Stack, Table, Text, Title } from '@mantine/core';
import { IconPlus, IconShip } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { connectorsQuery, meQuery, standingQuery } from '../api/queries.ts';
import type { Connector } from '../api/types.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Empty } from '../parts/empty.tsx';
import { Failure } from '../parts/failure.tsx';
import { TextLink } from '../parts/link.tsx';
import { Ago } from '../parts/time.tsx';
import { useIdleCode } from '../shell/use-idle-code.ts';
import { NewConnector } from './new-connector.tsx';

const next = ['/connectors/$connector', '/connectors/$connector/devices'] as const;

export function SolutionsPage() {
  useIdleCode(next);
  const [adding, setAdding] = useState(false);
  const { data: me } = useQuery(meQuery);
  const { data, error, refetch } = useQuery(connectorsQuery);
  const button = me?.role === 'admin' && (
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
      <Paper withBorder className="card">
        {!error && !data && <Waiting />}
        {data?.length === 0 && (
          <Empty icon={<IconShip size={28} />} title="No connector yet" action={button}>
            A connector is the front door of one product: its devices, their identities, and how they prove who they
            are.
          </Empty>
        )}
        {data !== undefined && data.length > 0 && <Connectors connectors={data} />}
      </Paper>
      <NewConnector opened={adding} onClose={() => setAdding(false)} />
    </Stack>
  );
}

function Connectors({ connectors }: { readonly connectors: readonly Connector[] }) {
  return (
    <Table verticalSpacing="sm" horizontalSpacing="md" highlightOnHover>
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">Name</Table.Th>
          <Table.Th scope="col" visibleFrom="sm">
            Id
          </Table.Th>
          <Table.Th scope="col" ta="right">
            Devices
          </Table.Th>
          <Table.Th scope="col" ta="right">
            Online
          </Table.Th>
          <Table.Th scope="col" visibleFrom="sm">
            Last activity
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {connectors.map((connector) => (
          <Row key={connector.id} connector={connector} />
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Row({ connector: { id, name, description } }: { readonly connector: Connector }) {
  const { data, error } = useQuery(standingQuery(id));
  return (
    <Table.Tr>
      <Table.Td>
        <TextLink
          to="/connectors/$connector/devices"
          params={{ connector: id }}
          fw={600}
          style={{ overflowWrap: 'anywhere' }}
        >
          {name}
        </TextLink>
        {description !== '' && (
          <Text size="sm" c="dimmed" lineClamp={2}>
            {description}
          </Text>
        )}
      </Table.Td>
      <Table.Td visibleFrom="sm">
        <Group gap={2} wrap="nowrap">
          <span className="mono" style={{ whiteSpace: 'nowrap' }}>
            {id}
          </span>
          <CopyButton value={id} label={`the id of ${name}`} />
        </Group>
      </Table.Td>
      <Figure value={data?.devices.total} failed={error !== null} />
      <Figure value={data?.online} failed={error !== null} lively />
      <Table.Td visibleFrom="sm">
        {data === undefined ? <Waits failed={error !== null} /> : <Ago at={data.last_activity} never="nothing yet" />}
      </Table.Td>
    </Table.Tr>
  );
}

interface FigureProps {
  readonly value: number | undefined;
  readonly failed: boolean;
  /** Stands out where it is not 0. */
  readonly lively?: boolean;
}

function Figure({ value, failed, lively }: FigureProps) {
  const text = value?.toLocaleString('en');
  return (
    <Table.Td ta="right" style={{ fontVariantNumeric: 'tabular-nums' }}>
      {value === undefined ? (
        <Waits failed={failed} />
      ) : lively && value > 0 ? (
        <Badge variant="light" color="teal">
          {text}
        </Badge>
      ) : (
        text
      )}
    </Table.Td>
  );
}

function Waits({ failed }: { readonly failed: boolean }) {
  return failed ? <span title="The server could not say">–</span> : <Skeleton height={14} width={48} ml="auto" />;
}

function Waiting() {
  return (
    <Stack p="md" gap="md" aria-busy>
      {['a', 'b', 'c'].map((key) => (
        <Skeleton key={key} height={20} radius="sm" />
      ))}
    </Stack>
  );
}
