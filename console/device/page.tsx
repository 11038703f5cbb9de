/** The page of one device: how it stands, what it said, what is set, why it was refused, and what can be done. */
import { SimpleGrid, Skeleton, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { deviceQuery, settingsQuery } from '../api/queries.ts';
import type { Identity } from '../api/types.ts';
import { Failure } from '../parts/failure.tsx';
import { explainQuery } from '../refusals/queries.ts';
import { WhyRefused } from '../refusals/why.tsx';
import { Chart } from './chart.tsx';
import { Credential } from './credential-card.tsx';
import { Events } from './events.tsx';
import { Header } from './header.tsx';
import classes from './page.module.css';
import { deviceEventsQuery } from './queries.ts';
import { Resources } from './resources.tsx';
import { Tags } from './tags.tsx';
import { Unknown } from './unknown.tsx';
import { rowsOf } from './values.ts';

export function DevicePage() {
  const { connector, identity } = useParams({ from: '/connectors/$connector/devices/$identity' });
  // What is typed or open belongs to one device.
  return <Device key={`${connector} ${identity}`} connector={connector} identity={identity} />;
}

interface Props {
  readonly connector: string;
  readonly identity: string;
}

function Device({ connector, identity }: Props) {
  const { data: device, error, refetch } = useQuery(deviceQuery(connector, identity));
  if (device === null) return <Unknown connector={connector} identity={identity} />;
  if (device !== undefined) return <Known connector={connector} device={device} />;
  if (error) return <Failure error={error} onRetry={() => void refetch()} />;
  return <Waiting />;
}

function Known({ connector, device }: { readonly connector: string; readonly device: Identity }) {
  const { identity } = device;
  const { data } = useQuery(settingsQuery(connector));
  const rows = data === undefined ? undefined : rowsOf(data.settings.resources, device.state);
  return (
    <Stack gap="md">
      <Header connector={connector} device={device} />
      <WhyRefused connector={connector} identity={identity} open={useLastWasRefused(connector, identity)} />
      <div className={classes.columns}>
        <Stack gap="md" miw={0}>
          <Resources connector={connector} identity={identity} rows={rows} />
          <Chart connector={connector} identity={identity} rows={rows} />
          <Events connector={connector} identity={identity} />
        </Stack>
        <Stack gap="md" miw={0}>
          <Credential connector={connector} device={device} rows={rows ?? []} />
          <Tags connector={connector} identity={identity} tags={device.tags} />
        </Stack>
      </div>
    </Stack>
  );
}

/** Whether the newest that is known of the device is that it was refused. */
function useLastWasRefused(connector: string, identity: string): boolean {
  const { data: explained } = useQuery(explainQuery(connector, identity));
  const { data: log } = useQuery(deviceEventsQuery(connector, identity));
  const refused = explained?.attempts[0];
  return refused !== undefined && log !== undefined && refused.timestamp >= (log.events[0]?.timestamp ?? 0);
}

/** In the shape of what is to come. */
function Waiting() {
  return (
    <Stack gap="md" aria-busy aria-label="Loading" role="status">
      <Skeleton height={34} maw={360} radius="sm" />
      <SimpleGrid cols={{ base: 2, sm: 4, lg: 7 }}>
        {['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((key) => (
          <Skeleton key={key} height={44} radius="sm" />
        ))}
      </SimpleGrid>
      <div className={classes.columns}>
        <Stack gap="md">
          <Skeleton height={220} radius="md" />
          <Skeleton height={360} radius="md" />
        </Stack>
        <Stack gap="md">
          <Skeleton height={240} radius="md" />
          <Skeleton height={110} radius="md" />
        </Stack>
      </div>
    </Stack>
  );
}
