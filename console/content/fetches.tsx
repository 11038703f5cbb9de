/** Who fetched a file, and when; the latest first. */
import { Skeleton, Stack, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { DeviceLink } from '../events/device-link.tsx';
import { Failure } from '../parts/failure.tsx';
import { Ago } from '../parts/time.tsx';
import classes from './content.module.css';
import { fetchesQuery, type Info } from './queries.ts';

interface Props {
  readonly connector: string;
  readonly id: string;
  readonly info: Info;
}

export function Fetches({ connector, id, info: { figures } }: Props) {
  const { data, error, refetch } = useQuery(fetchesQuery(connector, id));
  return (
    <Stack gap="xs">
      <Title order={3} size="h5">
        Who fetched it
      </Title>
      {error && !data && <Failure error={error} onRetry={() => void refetch()} />}
      {!error && !data && <Skeleton height={60} aria-busy role="status" aria-label="Loading" />}
      {data !== undefined && data.fetches.length === 0 && (
        <Text size="sm" c="dimmed">
          No device yet.
        </Text>
      )}
      {data !== undefined && data.fetches.length > 0 && (
        <>
          <Text size="sm" c="dimmed">
            {figures.completed.toLocaleString('en')} have this version, {figures.taken.toLocaleString('en')} began to
            fetch it
            {data.mayLoadMore && `; the latest ${data.fetches.length} are shown`}.
          </Text>
          {/* Scrolls by itself, so that it has to be reachable by keyboard. */}
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: see above */}
          <section className={classes.scroll} tabIndex={0} aria-label="Devices that fetched it">
            <Table verticalSpacing={4} fz="sm" layout="fixed">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th scope="col">Device</Table.Th>
                  <Table.Th scope="col" w={120}>
                    Last asked
                  </Table.Th>
                  <Table.Th scope="col" w={130}>
                    Has all of it
                  </Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {data.fetches.map(({ identity, last, completed, current }) => (
                  <Table.Tr key={identity}>
                    <Table.Td>
                      <DeviceLink connector={connector} identity={identity} />
                    </Table.Td>
                    <Table.Td>
                      <Ago at={last} />
                    </Table.Td>
                    <Table.Td>{current ? <Ago at={completed} never="not yet" /> : 'an older version'}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </section>
        </>
      )}
    </Stack>
  );
}
