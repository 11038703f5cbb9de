/** The Settings of a connector. */
import { Group, Paper, SimpleGrid, Skeleton, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { meQuery, settingsQuery } from '../api/queries.ts';
import { Failure } from '../parts/failure.tsx';
import { SettingsForm } from './form.tsx';
import classes from './settings.module.css';

export function SettingsPage() {
  const { connector } = useParams({ from: '/connectors/$connector/settings' });
  const { data: me } = useQuery(meQuery);
  const { data, error, refetch } = useQuery(settingsQuery(connector));
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data || !me) return <Waiting />;
  return <SettingsForm key={connector} connector={connector} read={data} readOnly={me.role !== 'admin'} />;
}

/** As wide as the names of the sections. */
const names = [54, 104, 86, 168, 48, 68, 46, 92];

function Waiting() {
  return (
    <div className={classes.layout} role="status" aria-busy aria-label="Loading">
      <Stack gap={18} p={10} visibleFrom="md">
        {names.map((width) => (
          <Skeleton key={width} height={16} width={width} />
        ))}
      </Stack>
      <Stack>
        <Card title={90}>
          <Input width="min(100%, 480px)" />
          <Input width="100%" />
        </Card>
        <Card title={150}>
          {[60, 90, 170].map((width) => (
            <Group key={width} gap="sm" wrap="nowrap">
              <Skeleton height={20} circle />
              <Stack gap={6} style={{ flex: 1 }}>
                <Skeleton height={14} width={width} />
                <Skeleton height={11} width="min(100%, 460px)" />
              </Stack>
            </Group>
          ))}
        </Card>
        <Card title={130}>
          <SimpleGrid cols={{ base: 1, sm: 3 }}>
            {['prefix', 'type', 'length'].map((key) => (
              <Input key={key} width="100%" />
            ))}
          </SimpleGrid>
          <Skeleton height={140} />
        </Card>
      </Stack>
    </div>
  );
}

function Card({ title, children }: { readonly title: number; readonly children: ReactNode }) {
  return (
    <Paper withBorder p={{ base: 'md', sm: 'lg' }} className="card">
      <Stack>
        <Skeleton height={22} width={title} />
        {children}
      </Stack>
    </Paper>
  );
}

function Input({ width }: { readonly width: string }) {
  return (
    <Stack gap={8}>
      <Skeleton height={14} width={80} />
      <Skeleton height={36} width={width} />
    </Stack>
  );
}
