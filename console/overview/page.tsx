/** How a connector is doing: its devices now, and what happened over time. */
import { Alert, Group, Paper, SegmentedControl, SimpleGrid, Skeleton, Stack, Text, Title } from '@mantine/core';
import { IconCertificate } from '@tabler/icons-react';
import { keepPreviousData, queryOptions, useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { api, unwrap } from '../api/client.ts';
import { deviceCountQuery, standingQuery } from '../api/queries.ts';
import { Failure } from '../parts/failure.tsx';
import { TextLink } from '../parts/link.tsx';
import { allStatuses, statusLooks } from '../parts/status-icon.tsx';
import { WARN_DAYS } from '../parts/validity.ts';
import { Plot, type PlotSeries } from '../plot/plot.tsx';
import { rules as refusalRules } from '../refusals/rules.ts';
import { type Figures, ratePerSecond, spans, topRules, total, withNow } from './figures.ts';
import { type Range, ranges } from './search.ts';

/** Asked for again this often, in ms. */
const REFRESH = 10_000;
const RULES = 5;
const ruleColors = ['red', 'orange', 'violet', 'blue', 'teal', 'gray'];

const figuresQuery = (connector: string, range: Range) =>
  queryOptions({
    queryKey: ['figures', connector, range],
    queryFn: ({ signal }) => {
      const to = Date.now() * 1000;
      const { back, bucket } = spans[range];
      return unwrap(
        api.GET('/api:1/service/{connector}/device2/figures', {
          params: { path: { connector }, query: { from: to - back * 1_000_000, to, bucket } },
          signal,
        }),
      );
    },
    refetchInterval: REFRESH,
    placeholderData: keepPreviousData,
  });

export function OverviewPage() {
  const { connector } = useParams({ from: '/connectors/$connector/overview' });
  const { range = '24h' } = useSearch({ from: '/connectors/$connector/overview' });
  const navigate = useNavigate({ from: '/connectors/$connector/overview' });
  const { data, error, refetch } = useQuery(figuresQuery(connector, range));
  const { data: standing } = useQuery(standingQuery(connector));
  return (
    <Stack gap="lg">
      <Standing connector={connector} />
      <Group justify="space-between">
        <Title order={2} size="h3">
          Over time
        </Title>
        <SegmentedControl
          aria-label="How far to look back"
          value={range}
          onChange={(value) => void navigate({ search: { range: value as Range }, replace: true })}
          data={ranges.map((value) => ({ value, label: spans[value].short }))}
        />
      </Group>
      {error && !data && <Failure error={error} onRetry={() => void refetch()} />}
      {data === undefined ? !error && <Waiting /> : <Plots figures={data} range={range} onlineNow={standing?.online} />}
    </Stack>
  );
}

function Standing({ connector }: { readonly connector: string }) {
  const { data, error, refetch } = useQuery(standingQuery(connector));
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  return (
    <section aria-labelledby="standing">
      <Title order={2} size="h3" mb="sm" id="standing">
        Devices now
      </Title>
      <SimpleGrid cols={{ base: 2, xs: 3, md: 7 }} spacing="sm">
        <Tile name="All" value={data?.devices.total}>
          <TextLink to="/connectors/$connector/devices" params={{ connector }} size="sm" aria-label="Show all devices">
            Show
          </TextLink>
        </Tile>
        <Tile name="Online" value={data?.online}>
          <TextLink
            to="/connectors/$connector/devices"
            params={{ connector }}
            search={{ online: true }}
            size="sm"
            aria-label="Show who is online"
          >
            Show
          </TextLink>
        </Tile>
        {allStatuses.map((status) => (
          <Tile key={status} name={statusLooks[status].label} value={data?.devices[status]}>
            <TextLink
              to="/connectors/$connector/devices"
              params={{ connector }}
              search={{ status }}
              size="sm"
              aria-label={`Show: ${statusLooks[status].label}`}
            >
              Show
            </TextLink>
          </Tile>
        ))}
      </SimpleGrid>
      <CertificatesEnding connector={connector} />
    </section>
  );
}

/** Nothing, as long as nothing is to be done. */
function CertificatesEnding({ connector }: { readonly connector: string }) {
  const { data } = useQuery(deviceCountQuery(connector, { ends: WARN_DAYS }));
  const { data: ended } = useQuery(deviceCountQuery(connector, { ends: 0 }));
  if (data === undefined || ended === undefined || data.count === 0) return null;
  const devices = data.count === 1 ? '1 device has' : `${data.count.toLocaleString('en')} devices have`;
  return (
    <Alert
      mt="sm"
      color={ended.count > 0 ? 'red' : 'orange'}
      icon={<IconCertificate aria-hidden />}
      title={`${devices} a certificate that ends within ${WARN_DAYS} days`}
    >
      {ended.count > 0 && `${ended.count.toLocaleString('en')} of them ended already. `}A device whose certificate has
      ended is refused.{' '}
      <TextLink
        to="/connectors/$connector/devices"
        params={{ connector }}
        search={{ ends: WARN_DAYS }}
        inherit
        aria-label="Show devices whose certificate ends"
      >
        Show
      </TextLink>
    </Alert>
  );
}

interface TileProps {
  readonly name: string;
  readonly value: number | undefined;
  readonly children: ReactNode;
}

function Tile({ name, value, children }: TileProps) {
  return (
    <Paper withBorder p="sm" className="card">
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      <Group justify="space-between" align="baseline" gap={4}>
        {value === undefined ? (
          <Skeleton height={28} width={48} />
        ) : (
          <Text fw={650} size="xl" style={{ fontVariantNumeric: 'tabular-nums' }}>
            {value.toLocaleString('en')}
          </Text>
        )}
        {children}
      </Group>
    </Paper>
  );
}

/** The name of a rule, as the page of a device has it. */
const reasonOf = (rule: string) =>
  rule === 'other' ? 'Other reasons' : ((refusalRules as Record<string, { title: string }>)[rule]?.title ?? rule);

interface PlotsProps {
  readonly figures: Figures;
  readonly range: Range;
  readonly onlineNow: number | undefined;
}

function Plots({ figures, range, onlineNow }: PlotsProps) {
  const { times, bucket, writes, provisioned, refused } = figures;
  const online = withNow(figures.online, onlineNow);
  const rates = ratePerSecond(figures, Date.now() * 1000);
  const rules = topRules(refused, RULES);
  const when = spans[range].label.toLowerCase();
  const refusals = total(Object.values(refused).flat());
  const highest = Math.max(0, ...online.map((value) => value ?? 0));
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <Panel title="Writes per second" figure={`${total(writes).toLocaleString('en')} in the ${when}`}>
        <Plot
          label={`Writes per second, ${when}: ${total(writes)} in all`}
          times={times}
          bucket={bucket}
          series={[{ label: 'Writes per second', color: 'harbour', values: rates }]}
        />
      </Panel>
      <Panel title="Online" figure={`at most ${highest.toLocaleString('en')} at a time`}>
        <Plot
          label={`Devices online, ${when}: at most ${highest}`}
          times={times}
          bucket={bucket}
          series={[{ label: 'Online', color: 'blue', values: online, look: 'steps' }]}
        />
      </Panel>
      <Panel
        title={`Provisioned per ${widthOf(bucket)}`}
        figure={`${total(provisioned).toLocaleString('en')} in the ${when}`}
      >
        <Plot
          label={`Devices provisioned, ${when}: ${total(provisioned)}`}
          times={times}
          bucket={bucket}
          series={[{ label: 'Provisioned', color: 'teal', values: provisioned, look: 'bars' }]}
        />
      </Panel>
      <Panel
        title={`Refused per ${widthOf(bucket)}, by reason`}
        figure={`${refusals.toLocaleString('en')} in the ${when}`}
      >
        {rules.length === 0 ? (
          <Text c="dimmed" size="sm" py="xl" ta="center">
            Nobody was refused.
          </Text>
        ) : (
          <Plot
            label={`Refusals by reason, ${when}: ${rules.map(({ rule, values }) => `${reasonOf(rule)} ${total(values)}`).join(', ')}`}
            times={times}
            bucket={bucket}
            series={rules.map(
              ({ rule, values }, at): PlotSeries => ({
                label: reasonOf(rule),
                color: ruleColors[at]!,
                values,
                look: 'stack',
              }),
            )}
          />
        )}
      </Panel>
    </SimpleGrid>
  );
}

/** `minute`, `10 min`, `hour` … */
function widthOf(seconds: number): string {
  if (seconds < 3_600) return seconds === 60 ? 'minute' : `${seconds / 60} min`;
  return seconds === 3_600 ? 'hour' : `${seconds / 3_600} h`;
}

interface PanelProps {
  readonly title: string;
  readonly figure: string;
  readonly children: ReactNode;
}

function Panel({ title, figure, children }: PanelProps) {
  return (
    <Paper withBorder p="md" className="card" component="section" aria-label={title} miw={0}>
      <Group justify="space-between" gap="xs">
        <Title order={3} size="h5">
          {title}
        </Title>
        <Text size="sm" c="dimmed">
          {figure}
        </Text>
      </Group>
      {children}
    </Paper>
  );
}

function Waiting() {
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} aria-busy>
      {['a', 'b', 'c', 'd'].map((key) => (
        <Skeleton key={key} height={300} radius="md" />
      ))}
    </SimpleGrid>
  );
}
