/** The last deliveries of a webhook: when, what, and what came of it. */
import { Skeleton, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Failure } from '../parts/failure.tsx';
import { Ago } from '../parts/time.tsx';
import classes from './deliveries.module.css';
import { deliveriesQuery } from './queries.ts';

interface Props {
  readonly connector: string;
  readonly hook: string;
}

export function Deliveries({ connector, hook }: Props) {
  const { data: deliveries, error, refetch } = useQuery(deliveriesQuery(connector, hook));
  if (deliveries === undefined) {
    return error === null ? <Skeleton height={80} /> : <Failure error={error} onRetry={() => void refetch()} />;
  }
  if (deliveries.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        Nothing was sent yet.
      </Text>
    );
  }
  return (
    <Table.ScrollContainer
      className={classes.box}
      minWidth={520}
      mah={320}
      type="native"
      tabIndex={0}
      aria-label="Deliveries"
    >
      <Table fz="sm" aria-label="Deliveries">
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">When</Table.Th>
            <Table.Th scope="col">Events</Table.Th>
            <Table.Th scope="col">Try</Table.Th>
            <Table.Th scope="col">Took</Table.Th>
            <Table.Th scope="col">Outcome</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {deliveries.map(({ id, at, attempt, first, last, count, status, duration, error }) => (
            <Table.Tr key={`${id} ${attempt}`}>
              <Table.Td>
                <Ago at={at} />
              </Table.Td>
              <Table.Td>
                {count} ({first === last ? first : `${first}–${last}`})
              </Table.Td>
              <Table.Td>{attempt}</Table.Td>
              <Table.Td>{duration} ms</Table.Td>
              <Table.Td>{error === null ? `Delivered, ${status}` : `Failed: ${error}`}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
        <Table.Caption>
          {deliveries.length === 1 ? 'The only one so far.' : `The last ${deliveries.length}, newest first.`}
        </Table.Caption>
      </Table>
    </Table.ScrollContainer>
  );
}
