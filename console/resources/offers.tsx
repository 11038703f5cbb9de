/** Aliases that devices write though nobody defined them, each of which one click makes a resource. */
import { Button, Code, Group, Paper, Skeleton, Stack, Table, Text, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { Failure } from '../parts/failure.tsx';
import { Ago } from '../parts/time.tsx';
import type { Resources } from './change.ts';
import { WRITES, writesQuery } from './queries.ts';
import classes from './resources.module.css';
import { Clash, useSaveResources } from './save.ts';
import { gatherUndefined, plainResource, type UndefinedAlias } from './undefined.ts';

interface Props {
  readonly connector: string;
  readonly resources: Resources;
  readonly mayChange: boolean;
}

/** As many are shown at first, and at most: devices may write any number of aliases. */
const FIRST = 5;
const MOST = 50;

export function Offers({ connector, resources, mayChange }: Props) {
  const { data: writes, error, refetch } = useQuery(writesQuery(connector));
  const found = useMemo(() => (writes === undefined ? [] : gatherUndefined(writes, resources)), [writes, resources]);
  const save = useSaveResources(connector);
  const [all, setAll] = useState(false);
  const [busy, setBusy] = useState<string | null>(null);
  const define = (offers: readonly UndefinedAlias[], name: string) => {
    setBusy(name);
    const changes = offers.map(({ alias, format }) => ({ alias, from: null, to: plainResource(format) }));
    save.mutate(changes, {
      onSuccess: () =>
        notifications.show({
          color: 'teal',
          title:
            changes.length === 1 ? 'Resource defined' : `${changes.length.toLocaleString('en-US')} resources defined`,
          message: `${offers
            .map(({ alias }) => alias)
            .join(', ')
            .slice(0, 200)}. Its values are stored from now on.`,
        }),
      onSettled: () => setBusy(null),
    });
  };
  if (error && writes === undefined) return <Failure error={error} onRetry={() => void refetch()} />;
  if (writes === undefined) return <Skeleton height={96} radius="md" aria-busy role="status" aria-label="Loading" />;
  if (found.length === 0) return null;
  const shown = found.slice(0, all ? MOST : FIRST);
  const looked = writes.length < WRITES ? 'the writes in the log' : `the newest ${WRITES.toLocaleString('en')} writes`;
  return (
    <Paper withBorder p="md" className="card">
      <Stack gap="sm">
        <Group justify="space-between" align="flex-start" gap="xs">
          <div>
            <Title order={3} size="h5">
              Written by devices, but not defined
            </Title>
            <Text size="sm" c="dimmed">
              Found in {looked}. Until they are defined, their values are only in the log.
            </Text>
          </div>
          {mayChange && shown.length > 1 && (all || shown.length === found.length) && (
            <Button
              size="xs"
              variant="light"
              loading={busy === 'all'}
              disabled={busy !== null && busy !== 'all'}
              onClick={() => define(shown, 'all')}
            >
              Define all {shown.length}
            </Button>
          )}
        </Group>
        {save.error && !(save.error instanceof Clash) && <Failure error={save.error} />}
        {save.error instanceof Clash && (
          <Text size="sm" role="alert">
            Somebody else has just defined {save.error.changes.map(({ alias }) => alias).join(', ')}: see below.
          </Text>
        )}
        <Table verticalSpacing={6} layout="fixed" aria-label="Aliases that are not defined">
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">Alias</Table.Th>
              <Table.Th scope="col" visibleFrom="xs" w={100}>
                Looks like
              </Table.Th>
              <Table.Th scope="col" visibleFrom="sm">
                For example
              </Table.Th>
              <Table.Th scope="col" visibleFrom="sm" w={100} ta="right">
                Writes
              </Table.Th>
              <Table.Th scope="col" visibleFrom="md" w={130}>
                Last
              </Table.Th>
              {mayChange && (
                <Table.Th scope="col" w={110}>
                  <span className="visually-hidden">Define</span>
                </Table.Th>
              )}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {shown.map((offer) => (
              <Table.Tr key={offer.alias}>
                <Table.Th scope="row" fw={400}>
                  <Text size="sm" className="mono" lineClamp={2}>
                    {offer.alias}
                  </Text>
                  <Text size="xs" c="dimmed" hiddenFrom="sm" lineClamp={2} className={classes.short}>
                    {offer.format}, such as {offer.sample === '' ? 'an empty text' : offer.sample}
                  </Text>
                </Table.Th>
                <Table.Td visibleFrom="xs">{offer.format}</Table.Td>
                <Table.Td visibleFrom="sm">
                  <Code className={classes.sample} title={offer.sample}>
                    {offer.sample === '' ? '(empty)' : offer.sample}
                  </Code>
                </Table.Td>
                <Table.Td visibleFrom="sm" ta="right">
                  {offer.writes.toLocaleString('en')}
                </Table.Td>
                <Table.Td visibleFrom="md">
                  <Ago at={offer.last} />
                </Table.Td>
                {mayChange && (
                  <Table.Td ta="right">
                    <Button
                      size="compact-sm"
                      variant="light"
                      aria-label={`Define ${offer.alias}`}
                      loading={busy === offer.alias}
                      disabled={busy !== null && busy !== offer.alias}
                      onClick={() => define([offer], offer.alias)}
                    >
                      Define
                    </Button>
                  </Table.Td>
                )}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        {found.length > shown.length && !all && (
          <Group>
            <Button size="compact-sm" variant="subtle" onClick={() => setAll(true)}>
              Show all {Math.min(found.length, MOST)}
            </Button>
          </Group>
        )}
        {found.length > MOST && all && (
          <Text size="sm" c="dimmed">
            And {(found.length - MOST).toLocaleString('en')} more, which are written less often.
          </Text>
        )}
      </Stack>
    </Paper>
  );
}
