/** What the check found: figures, and the rows that need to be looked at. */
import { Group, Pagination, Stack, Table, Text, Title } from '@mantine/core';
import { useId, useState } from 'react';
import { allStatuses, statusLooks } from '../parts/status-icon.tsx';
import { visible } from '../parts/visible.ts';
import classes from './import.module.css';
import { countKnown, figure, LISTED_MAX, type Review, sayReason } from './review.ts';

/** Rows shown at a time. */
const PAGE = 100;

export function Findings({ review }: { readonly review: Review }) {
  return (
    <Stack gap="md">
      <Figures review={review} />
      {review.rows.length > 0 && (
        <Rows
          title="Bad rows"
          note={listed(review.rows.length, 'faults')}
          columns={['Line', 'Column', 'Value', 'Reason', 'Expected']}
          rows={review.rows.map(({ line, column, value, reason, expected }) => [
            figure(line),
            column ?? '',
            value ?? '',
            sayReason(reason),
            expected,
          ])}
          mono={2}
          width={800}
        />
      )}
      {review.repeated.length > 0 && (
        <Rows
          title="Repeated rows"
          note={`The first row of an identity is used, the others are left out. ${listed(review.repeated.length, 'repeated rows')}`}
          columns={['Line', 'ID', 'First on line']}
          rows={review.repeated.map(({ line, identity, first_line }) => [
            figure(line),
            visible(identity),
            figure(first_line),
          ])}
          mono={1}
          width={380}
        />
      )}
    </Stack>
  );
}

const listed = (length: number, what: string) =>
  length < LISTED_MAX ? '' : `The first ${figure(LISTED_MAX)} ${what} are listed.`;

function Figures({ review }: { readonly review: Review }) {
  const known = allStatuses.filter((status) => (review.known[status] ?? 0) > 0);
  return (
    <dl className={classes.figures} aria-label="What is in the file">
      <Figure label="Rows" value={review.total} />
      <Figure label="New" value={review.new} color="teal" />
      <Figure label="Already known" value={countKnown(review)}>
        {known
          .map((status) => `${figure(review.known[status]!)} ${statusLooks[status].label.toLowerCase()}`)
          .join(', ')}
      </Figure>
      <Figure label="Repeated in the file" value={review.duplicates} color="orange" />
      <Figure label="Bad" value={review.bad} color="red" />
    </dl>
  );
}

interface FigureProps {
  readonly label: string;
  readonly value: number;
  /** Where there are any. */
  readonly color?: string;
  readonly children?: string;
}

function Figure({ label, value, color, children }: FigureProps) {
  const shade = color === undefined || value === 0 ? undefined : `var(--mantine-color-${color}-light-color)`;
  return (
    <div className={classes.figure}>
      <dt>{label}</dt>
      <dd style={{ color: shade }}>{figure(value)}</dd>
      {children !== undefined && children !== '' && (
        <dd style={{ fontSize: 'var(--mantine-font-size-xs)', fontWeight: 400 }}>{children}</dd>
      )}
    </div>
  );
}

interface RowsProps {
  readonly title: string;
  readonly note: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Index of the column whose text is the file's own. */
  readonly mono: number;
  /** Fewest px; below that the table scrolls. */
  readonly width: number;
}

function Rows({ title, note, columns, rows, mono, width }: RowsProps) {
  const id = useId();
  const [chosen, setPage] = useState(1);
  const pages = Math.ceil(rows.length / PAGE);
  const page = Math.min(chosen, pages);
  const shown = rows.slice((page - 1) * PAGE, page * PAGE);
  return (
    <Stack gap={6}>
      <Group justify="space-between" gap="xs">
        <div>
          <Title order={3} size="h5" id={id}>
            {title}
          </Title>
          {note.trim() !== '' && (
            <Text size="sm" c="dimmed">
              {note}
            </Text>
          )}
        </div>
        {pages > 1 && (
          <Pagination
            size="sm"
            total={pages}
            siblings={0}
            value={page}
            onChange={setPage}
            aria-label={`Pages of ${title.toLowerCase()}`}
            getControlProps={(control) => ({ 'aria-label': `${control} page` })}
          />
        )}
      </Group>
      {/* Scrolls by itself, so that it has to be reachable by keyboard. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: see above */}
      <section className={classes.scroll} tabIndex={0} aria-labelledby={id}>
        <Table miw={width} verticalSpacing={4} fz="sm">
          <Table.Thead>
            <Table.Tr>
              {columns.map((column) => (
                <Table.Th key={column} scope="col">
                  {column}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {shown.map((cells, row) => (
              <Table.Tr key={row}>
                {cells.map((cell, column) => (
                  <Table.Td key={columns[column]} valign="top" className={column === mono ? 'mono' : undefined}>
                    {column === mono ? (
                      <Text inherit lineClamp={3} title={cell} style={{ whiteSpace: 'pre-wrap' }}>
                        {cell}
                      </Text>
                    ) : (
                      <Text inherit miw={column < 2 ? undefined : 150}>
                        {cell}
                      </Text>
                    )}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </section>
    </Stack>
  );
}
