/** Connector › Resources: which aliases there are, what they may hold, and those that devices write without being asked. */
import { Button, Group, Paper, Skeleton, Stack, Text, TextInput, Title } from '@mantine/core';
import { IconDatabase, IconPlus, IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { type ReactNode, useMemo } from 'react';
import { meQuery, settingsQuery } from '../api/queries.ts';
import { Empty } from '../parts/empty.tsx';
import { Failure } from '../parts/failure.tsx';
import type { Resources } from './change.ts';
import { ResourceDialog } from './dialog.tsx';
import { Offers } from './offers.tsx';
import { RemoveResource } from './remove.tsx';
import type { ResourceSearch } from './search.ts';
import { ResourceTable } from './table.tsx';

const route = '/connectors/$connector/resources';

/** By alias, `sensor_2` before `sensor_10`. */
const byAlias = new Intl.Collator('en', { numeric: true });

export function ResourcesPage() {
  const { connector } = useParams({ from: route });
  const search = useSearch({ from: route });
  const navigate = useNavigate({ from: route });
  const { data: me } = useQuery(meQuery);
  const { data, error, refetch } = useQuery(settingsQuery(connector));
  const mayChange = me?.role === 'admin';
  const change = (given: Partial<ResourceSearch>, replace = false) =>
    void navigate({ search: (now) => ({ ...now, ...given }), replace, resetScroll: false });
  const close = () => change({ dialog: undefined, alias: undefined });
  const resources = data?.settings.resources;
  const add = mayChange && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => change({ dialog: 'add' })}>
      Add a resource
    </Button>
  );
  return (
    <Stack gap="md">
      <Group justify="space-between" gap="xs">
        <Title order={2} size="h4">
          Resources
        </Title>
        {resources !== undefined && Object.keys(resources).length > 0 && add}
      </Group>
      {error && !data && <Failure error={error} onRetry={() => void refetch()} />}
      {!error && !data && <Waiting />}
      {resources !== undefined && (
        <>
          <Offers connector={connector} resources={resources} mayChange={mayChange} />
          <Paper withBorder className="card">
            {Object.keys(resources).length === 0 ? (
              <NoResource action={add} />
            ) : (
              <Found resources={resources} search={search} mayChange={mayChange} onChange={change} />
            )}
          </Paper>
          {mayChange && <Dialogs connector={connector} resources={resources} search={search} onClose={close} />}
        </>
      )}
    </Stack>
  );
}

interface FoundProps {
  readonly resources: Resources;
  readonly search: ResourceSearch;
  readonly mayChange: boolean;
  readonly onChange: (given: Partial<ResourceSearch>, replace?: boolean) => void;
}

function Found({ resources, search: { find = '', page = 1 }, mayChange, onChange }: FoundProps) {
  const rows = useMemo(() => {
    const wanted = find.trim().toLowerCase();
    const all = Object.entries(resources).sort(([a], [b]) => byAlias.compare(a, b));
    return all.filter(([alias, { unit }]) => `${alias}\n${unit}`.toLowerCase().includes(wanted));
  }, [resources, find]);
  const count = Object.keys(resources).length;
  return (
    <>
      <Group p="sm" gap="sm">
        <TextInput
          aria-label="Find a resource"
          placeholder="Find by alias or unit"
          leftSection={<IconSearch size={16} aria-hidden />}
          w={{ base: '100%', xs: 260 }}
          value={find}
          onChange={(event) => onChange({ find: event.currentTarget.value || undefined, page: undefined }, true)}
        />
        <Text size="sm" c="dimmed" role="status">
          {find === '' ? countOf(count) : `${rows.length.toLocaleString('en')} of ${countOf(count)}`}
        </Text>
      </Group>
      {rows.length === 0 ? (
        <Text size="sm" c="dimmed" ta="center" px="md" pb="xl" pt="md">
          No alias or unit contains this.
        </Text>
      ) : (
        <ResourceTable
          rows={rows}
          page={page}
          mayChange={mayChange}
          onPage={(page) => onChange({ page: page === 1 ? undefined : page })}
          onEdit={(alias) => onChange({ dialog: 'edit', alias })}
          onRemove={(alias) => onChange({ dialog: 'remove', alias })}
        />
      )}
    </>
  );
}

const countOf = (count: number) => (count === 1 ? '1 resource' : `${count.toLocaleString('en')} resources`);

interface DialogsProps {
  readonly connector: string;
  readonly resources: Resources;
  readonly search: ResourceSearch;
  readonly onClose: () => void;
}

function Dialogs({ connector, resources, search: { dialog, alias }, onClose }: DialogsProps) {
  if (dialog === 'add') {
    return <ResourceDialog connector={connector} resources={resources} alias={undefined} onClose={onClose} />;
  }
  if (dialog === undefined || alias === undefined) return null;
  const Dialog = dialog === 'edit' ? ResourceDialog : RemoveResource;
  return <Dialog key={alias} connector={connector} resources={resources} alias={alias} onClose={onClose} />;
}

function NoResource({ action }: { readonly action: ReactNode }) {
  return (
    <Empty icon={<IconDatabase size={28} />} title="No resource yet" action={action}>
      A resource is a named value of each device, such as a temperature or a setting. Devices may write any alias, and
      each write is logged. Only values of what is defined here are kept, shown with the device and drawn over time.
    </Empty>
  );
}

function Waiting() {
  return (
    <Stack gap={10} aria-busy role="status" aria-label="Loading">
      {['a', 'b', 'c', 'd', 'e', 'f'].map((key) => (
        <Skeleton key={key} height={36} radius="sm" />
      ))}
    </Stack>
  );
}
