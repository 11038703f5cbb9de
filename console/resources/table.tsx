/** The resources of a connector, a page of them at a time. */
import { Button, Group, Pagination, Table, Text } from '@mantine/core';
import type { Resource } from '../../src/domain/connector.ts';
import { describeAllowed } from './describe.ts';
import classes from './resources.module.css';

interface Props {
  /** Those that fit the filter, sorted. */
  readonly rows: readonly (readonly [alias: string, resource: Resource])[];
  /** From 1. */
  readonly page: number;
  readonly mayChange: boolean;
  readonly onPage: (page: number) => void;
  readonly onEdit: (alias: string) => void;
  readonly onRemove: (alias: string) => void;
}

/** Rows of a page. */
const PAGE = 50;

export function ResourceTable({ rows, page, mayChange, onPage, onEdit, onRemove }: Props) {
  const pages = Math.max(1, Math.ceil(rows.length / PAGE));
  const current = Math.min(page, pages);
  const shown = rows.slice((current - 1) * PAGE, current * PAGE);
  return (
    <>
      <Table verticalSpacing={6} layout="fixed" aria-label="Resources">
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">Alias</Table.Th>
            <Table.Th scope="col" visibleFrom="sm" w={90}>
              Format
            </Table.Th>
            <Table.Th scope="col" visibleFrom="sm" w={90}>
              Unit
            </Table.Th>
            <Table.Th scope="col" visibleFrom="md" w={90}>
              Settable
            </Table.Th>
            <Table.Th scope="col" visibleFrom="md">
              Allowed
            </Table.Th>
            <Table.Th scope="col" visibleFrom="md" w={110}>
              Initial
            </Table.Th>
            <Table.Th scope="col" visibleFrom="md" w={70}>
              Sync
            </Table.Th>
            {mayChange && (
              <Table.Th scope="col" w={172}>
                <span className="visually-hidden">Edit or remove</span>
              </Table.Th>
            )}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {shown.map(([alias, resource]) => (
            <Row
              key={alias}
              alias={alias}
              resource={resource}
              mayChange={mayChange}
              onEdit={onEdit}
              onRemove={onRemove}
            />
          ))}
        </Table.Tbody>
      </Table>
      {pages > 1 && (
        <Group justify="space-between" p="sm" gap="xs">
          <Text size="sm" c="dimmed">
            {((current - 1) * PAGE + 1).toLocaleString('en')} to{' '}
            {((current - 1) * PAGE + shown.length).toLocaleString('en')} of {rows.length.toLocaleString('en')}
          </Text>
          <Pagination
            size="sm"
            total={pages}
            value={current}
            siblings={0}
            onChange={onPage}
            getControlProps={(control) => ({ 'aria-label': `${control} page` })}
            getItemProps={(number) => ({ 'aria-label': `Page ${number}` })}
          />
        </Group>
      )}
    </>
  );
}

interface RowProps extends Pick<Props, 'mayChange' | 'onEdit' | 'onRemove'> {
  readonly alias: string;
  readonly resource: Resource;
}

function Row({ alias, resource, mayChange, onEdit, onRemove }: RowProps) {
  const { format, unit, settable, allowed, initial, sync } = resource;
  const short = [format, unit, settable ? 'settable' : ''].filter((part) => part !== '').join(', ');
  return (
    <Table.Tr>
      <Table.Th scope="row" fw={400}>
        <span className={classes.alias}>{alias}</span>
        <Text size="xs" c="dimmed" hiddenFrom="sm" className={classes.short}>
          {short}
        </Text>
      </Table.Th>
      <Table.Td visibleFrom="sm">{format}</Table.Td>
      <Table.Td visibleFrom="sm">
        <Text size="sm" truncate title={unit}>
          {unit === '' ? <None /> : unit}
        </Text>
      </Table.Td>
      <Table.Td visibleFrom="md">{settable ? 'yes' : <None text="no" />}</Table.Td>
      <Table.Td visibleFrom="md">
        <Text size="sm" truncate title={allowed.slice(0, 50).map(String).join(', ')}>
          {allowed.length === 0 ? <None text="any" /> : describeAllowed(resource)}
        </Text>
      </Table.Td>
      <Table.Td visibleFrom="md">
        <Text size="sm" truncate title={initial === null ? undefined : String(initial)}>
          {initial === null ? <None /> : String(initial)}
        </Text>
      </Table.Td>
      <Table.Td visibleFrom="md">{sync ? 'yes' : <None text="no" />}</Table.Td>
      {mayChange && (
        <Table.Td ta="right">
          <Group gap={4} justify="flex-end" wrap="nowrap">
            <Button size="compact-sm" variant="subtle" aria-label={`Edit ${alias}`} onClick={() => onEdit(alias)}>
              Edit
            </Button>
            <Button
              size="compact-sm"
              variant="subtle"
              color="red"
              aria-label={`Remove ${alias}`}
              onClick={() => onRemove(alias)}
            >
              Remove
            </Button>
          </Group>
        </Table.Td>
      )}
    </Table.Tr>
  );
}

function None({ text = 'none' }: { readonly text?: string }) {
  return (
    <Text span size="sm" c="dimmed">
      {text}
    </Text>
  );
}
