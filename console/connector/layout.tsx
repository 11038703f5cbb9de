/** What the pages of one connector share: its name, the address that its devices talk to, and the tabs. */
import { Group, Paper, Skeleton, Stack, Tabs, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Outlet, useParams, useRouterState } from '@tanstack/react-router';
import { isUnknownConnector } from '../api/failure.ts';
import { connectorQuery, meQuery } from '../api/queries.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Failure } from '../parts/failure.tsx';
import { TextLink } from '../parts/link.tsx';
import { NotFound } from '../parts/not-found.tsx';
import { TabLink } from '../parts/tab-link.tsx';
import tabClasses from '../parts/tabs.module.css';
import { useCurrentInSight } from '../parts/use-current-in-sight.ts';
import classes from './connector.module.css';

const tabs = [
  { value: 'devices', label: 'Devices', to: '/connectors/$connector/devices' },
  { value: 'logs', label: 'Logs', to: '/connectors/$connector/logs' },
  { value: 'resources', label: 'Resources', to: '/connectors/$connector/resources' },
  { value: 'content', label: 'Content', to: '/connectors/$connector/content' },
  { value: 'settings', label: 'Settings', to: '/connectors/$connector/settings' },
  { value: 'overview', label: 'Overview', to: '/connectors/$connector/overview' },
  { value: 'webhooks', label: 'Webhooks', to: '/connectors/$connector/webhooks' },
] as const;

export function ConnectorLayout() {
  const { connector: id } = useParams({ from: '/connectors/$connector' });
  const { data: connector, error, refetch } = useQuery(connectorQuery(id));
  const { data: me } = useQuery(meQuery);
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const current = path.split('/')[3] ?? 'devices';
  const list = useCurrentInSight(current);
  if (isUnknownConnector(error))
    return <NotFound title="There is no such connector">It may have been deleted.</NotFound>;
  if (error && !connector) return <Failure error={error} onRetry={() => void refetch()} />;
  return (
    <Stack gap="md">
      <Group justify="space-between" align="flex-start" gap="md">
        <div className={classes.name}>
          <TextLink to="/" size="sm">
            Solutions
          </TextLink>
          <Title order={1} size="h2">
            {connector?.name ?? <Skeleton component="span" height={30} width={180} />}
          </Title>
        </div>
        <Paper withBorder px="sm" py={4} className="card">
          <Address label="CONNECTOR-URL" value={connector?.url} />
          <Address label="CONNECTOR-ID" value={connector?.id} />
        </Paper>
      </Group>
      <Tabs value={current} keepMounted={false}>
        {/* All tabs do not fit on a narrow screen: they scroll by themselves. */}
        <Tabs.List ref={list} className={tabClasses.tabs}>
          {tabs
            .filter(({ value }) => value !== 'webhooks' || me?.role === 'admin')
            .map(({ value, label, to }) => (
              <TabLink key={value} value={value} to={to} params={{ connector: id }}>
                {label}
              </TabLink>
            ))}
        </Tabs.List>
        <Tabs.Panel value={current} pt="md">
          <Outlet />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}

function Address({ label, value }: { readonly label: string; readonly value: string | undefined }) {
  return (
    <Group gap="xs" wrap="nowrap" justify="space-between">
      <Text size="xs" c="dimmed" fw={600}>
        {label}
      </Text>
      <Group gap={2} wrap="nowrap">
        <Text size="sm" className="mono">
          {value ?? '…'}
        </Text>
        <CopyButton value={value ?? ''} label={label} />
      </Group>
    </Group>
  );
}
