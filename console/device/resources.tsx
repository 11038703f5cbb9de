/** The resources of the device: what it reported, what is set, and a value to set, in place. */
import { ActionIcon, Badge, Button, Group, Skeleton, Stack, Table, Text, TextInput, Tooltip } from '@mantine/core';
import { IconChartLine, IconClockPause, IconPencil, IconStack2 } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { memo, useState } from 'react';
import { useMay } from '../api/role.ts';
import { Empty } from '../parts/empty.tsx';
import { ButtonLink } from '../parts/link.tsx';
import { Ago } from '../parts/time.tsx';
import { Card } from './card.tsx';
import classes from './resources.module.css';
import { SetValue } from './set-value.tsx';
import type { ResourceRow } from './values.ts';

/** Rows before one has to ask for more, and from how many on there is a filter. */
const SHOWN = 50;
const FILTER_FROM = 12;

interface Props {
  readonly connector: string;
  readonly identity: string;
  /** Undefined while the definitions are on their way. */
  readonly rows: readonly ResourceRow[] | undefined;
}

export function Resources({ connector, identity, rows }: Props) {
  const [filter, setFilter] = useState('');
  const [all, setAll] = useState(false);
  const fitting = rows?.filter(({ alias }) => alias.toLowerCase().includes(filter.trim().toLowerCase())) ?? [];
  const shown = all ? fitting : fitting.slice(0, SHOWN);
  const field = rows !== undefined && rows.length >= FILTER_FROM && (
    <TextInput
      size="xs"
      aria-label="Filter resources"
      placeholder={`Filter ${rows.length.toLocaleString('en-US')} resources`}
      value={filter}
      onChange={(event) => setFilter(event.currentTarget.value)}
    />
  );
  return (
    <Card title="Resources" aside={field}>
      {rows === undefined && <Skeleton height={120} radius="sm" role="status" aria-label="Loading" />}
      {rows?.length === 0 && (
        <Empty
          icon={<IconStack2 size={28} />}
          title="No resources yet"
          action={
            <ButtonLink to="/connectors/$connector/resources" params={{ connector }} variant="light" mt="xs">
              Define resources
            </ButtonLink>
          }
        >
          A resource gives a name, a format and a unit to what devices write. Values of other aliases are only in the
          log.
        </Empty>
      )}
      {rows !== undefined && rows.length > 0 && fitting.length === 0 && (
        <Text size="sm">No resource has “{filter}” in its name.</Text>
      )}
      {shown.length > 0 && (
        <Table.ScrollContainer minWidth={0} type="native" tabIndex={0} role="group" aria-label="Resources, table">
          <Table verticalSpacing={6} horizontalSpacing={6} layout="fixed">
            <Table.Thead>
              <Table.Tr>
                <Table.Th scope="col" w={{ base: '36%', sm: '26%' }}>
                  Alias
                </Table.Th>
                <Table.Th scope="col">Reported</Table.Th>
                <Table.Th scope="col">Set</Table.Th>
                <Table.Th scope="col" visibleFrom="sm" w={110}>
                  Time
                </Table.Th>
                <Table.Th scope="col" w={{ base: 44, xs: 74 }}>
                  <span className="visually-hidden">Actions</span>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {shown.map((row) => (
                <Row key={row.alias} connector={connector} identity={identity} row={row} />
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {fitting.length > shown.length && (
        <Button variant="default" size="xs" onClick={() => setAll(true)}>
          Show {(fitting.length - shown.length).toLocaleString('en-US')} more
        </Button>
      )}
    </Card>
  );
}

interface RowProps {
  readonly connector: string;
  readonly identity: string;
  readonly row: ResourceRow;
}

const sameRow = (before: RowProps, after: RowProps) =>
  before.connector === after.connector &&
  before.identity === after.identity &&
  JSON.stringify(before.row) === JSON.stringify(after.row);

/** Drawn anew only if something of it changed: there may be a thousand, asked for every few seconds. */
const Row = memo(function Row({ connector, identity, row }: RowProps) {
  const { alias, resource, reported, set, timestamp, waiting } = row;
  const [editing, setEditing] = useState(false);
  const may = useMay('operator');
  const navigate = useNavigate({ from: '/connectors/$connector/devices/$identity' });
  return (
    <>
      <Table.Tr>
        <Table.Th scope="row">
          <Stack gap={2} align="flex-start">
            <span className="mono">{alias}</span>
            {resource === null ? (
              <Tooltip label="The resource was removed from the definitions; its values are still here">
                <Badge variant="light" color="gray" size="lg" tt="none" tabIndex={0}>
                  not defined
                </Badge>
              </Tooltip>
            ) : (
              <Text size="xs" c="dimmed">
                {resource.format}
                {resource.unit !== '' && `, ${resource.unit}`}
              </Text>
            )}
          </Stack>
        </Table.Th>
        <Table.Td>
          <Value text={reported} none="not yet" unit={resource?.unit} />
        </Table.Td>
        <Table.Td>
          <Stack gap={2} align="flex-start">
            <Value text={set} none={resource?.settable ? 'nothing' : ''} unit={resource?.unit} />
            {waiting && (
              <span className={classes.waiting}>
                <IconClockPause size={14} aria-hidden style={{ flexShrink: 0 }} />
                not confirmed by the device yet
              </span>
            )}
          </Stack>
        </Table.Td>
        <Table.Td visibleFrom="sm">
          <Text size="sm" span>
            <Ago at={timestamp} never="never" />
          </Text>
        </Table.Td>
        <Table.Td>
          <Group gap={2} justify="flex-end" wrap="nowrap">
            <Tooltip label="Show over time">
              <ActionIcon
                visibleFrom="xs"
                variant="subtle"
                color="gray"
                aria-label={`Show ${alias} over time`}
                onClick={() => void navigate({ search: (search) => ({ ...search, alias }), replace: true })}
              >
                <IconChartLine size={16} aria-hidden />
              </ActionIcon>
            </Tooltip>
            {resource?.settable && may && (
              <Tooltip label="Set a value">
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  aria-label={`Set ${alias}`}
                  aria-expanded={editing}
                  onClick={() => setEditing(!editing)}
                >
                  <IconPencil size={16} aria-hidden />
                </ActionIcon>
              </Tooltip>
            )}
          </Group>
        </Table.Td>
      </Table.Tr>
      {editing && resource !== null && (
        <Table.Tr>
          <Table.Td colSpan={5}>
            <SetValue
              connector={connector}
              identity={identity}
              alias={alias}
              resource={resource}
              current={set}
              onClose={() => setEditing(false)}
            />
          </Table.Td>
        </Table.Tr>
      )}
    </>
  );
}, sameRow);

/** Values may be long: the whole of one is in its title, and in the log. */
const LONGEST = 80;

function Value({ text, none, unit }: { readonly text: string | null; readonly none: string; readonly unit?: string }) {
  if (text === null) {
    return (
      <Text size="sm" c="dimmed" span>
        {none}
      </Text>
    );
  }
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return (
    <Text size="sm" span className="mono" title={cut === text ? undefined : text.slice(0, 2000)}>
      {cut === '' ? '(empty)' : cut}
      {unit !== undefined && unit !== '' && (
        <Text span inherit c="dimmed">
          {' '}
          {unit}
        </Text>
      )}
    </Text>
  );
}
