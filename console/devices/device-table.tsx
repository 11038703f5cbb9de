/** The list of devices as a table: headers that sort, rows that can be selected. Which rows there are is the server's matter. */
import { Skeleton, Table, UnstyledButton } from '@mantine/core';
import { IconArrowDown, IconArrowsSort, IconArrowUp } from '@tabler/icons-react';
import { FlexRender } from '@tanstack/react-table';
import { memo, type ReactNode, useEffect, useState } from 'react';
import { layouts, type DeviceTable as Model, type Row } from './columns.tsx';
import classes from './devices.module.css';
import { defaultSort, type Sort, type SortColumn, sortOf } from './filter.ts';

interface Props {
  readonly table: Model;
  /** Those of the table: rows are drawn anew when they change. */
  readonly columns: unknown;
  readonly sort: Sort | undefined;
  readonly onSort: (column: SortColumn) => void;
  /** What is shown is of the question before. */
  readonly stale: boolean;
  /** Stands out: it was added just now. */
  readonly added: string | null;
  /** Whether rows below the screen are there too, or only the room for them. */
  readonly whole: boolean;
}

/** px, as devices.module.css says: a row with the line below it. */
const ROW_HEIGHT = 44;

export function DeviceTable({ table, columns, sort = defaultSort, onSort, stale, added, whole }: Props) {
  const { rows } = table.getRowModel();
  const shown = whole ? rows : rows.slice(0, Math.ceil(window.innerHeight / ROW_HEIGHT));
  const missing = rows.length - shown.length;
  return (
    <Table className={classes.table} horizontalSpacing="xs" verticalSpacing={4} aria-label="Devices">
      <Table.Thead>
        <Table.Tr>
          {table.getFlatHeaders().map((header) => (
            <HeaderCell key={header.id} id={header.id} sort={sort} onSort={onSort}>
              <table.FlexRender header={header} />
            </HeaderCell>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody className={classes.body} data-stale={stale || undefined} aria-busy={stale}>
        {shown.map((row) => (
          <DeviceRow key={row.id} row={row} columns={columns} selected={row.getIsSelected()} added={row.id === added} />
        ))}
        {missing > 0 && (
          <tr aria-hidden>
            <td style={{ height: missing * ROW_HEIGHT }} />
          </tr>
        )}
      </Table.Tbody>
    </Table>
  );
}

interface RowProps {
  readonly row: Row;
  readonly columns: unknown;
  readonly selected: boolean;
  readonly added: boolean;
}

/**
 * A row has tooltips, links and times: it is drawn anew only when its device, its place or its selection changes. Its cells
 * are plain ones, for the same reason: there are hundreds of them.
 */
const DeviceRow = memo(
  function DeviceRow({ row, selected, added }: RowProps) {
    return (
      <tr className={classes.row} data-added={added || undefined} data-selected={selected || undefined}>
        {row.getAllCells().map((cell) => (
          <td key={cell.id} className={cellClass(cell.column.id)}>
            <FlexRender cell={cell} />
          </td>
        ))}
      </tr>
    );
  },
  (before, after) =>
    before.row.original === after.row.original &&
    before.row.index === after.row.index &&
    before.columns === after.columns &&
    before.selected === after.selected &&
    before.added === after.added,
);

function cellClass(id: string): string | undefined {
  const from = layouts[id]?.from;
  if (from !== undefined) return `mantine-visible-from-${from}`;
  return id === 'select' ? classes.check : undefined;
}

interface HeaderProps {
  readonly id: string;
  readonly sort: Sort;
  readonly onSort: (column: SortColumn) => void;
  readonly children: ReactNode;
}

function HeaderCell({ id, sort, onSort, children }: HeaderProps) {
  const { width, from, sort: column } = layouts[id] ?? {};
  if (column === undefined) {
    return (
      <Table.Th scope="col" w={width} visibleFrom={from}>
        {children}
      </Table.Th>
    );
  }
  const order = sortOf(sort, column);
  const Icon = order === 'none' ? IconArrowsSort : order === 'ascending' ? IconArrowUp : IconArrowDown;
  return (
    <Table.Th scope="col" w={width} visibleFrom={from} aria-sort={order}>
      <UnstyledButton className={classes.sort} onClick={() => onSort(column)}>
        {children}
        <Icon size={14} aria-hidden opacity={order === 'none' ? 0.5 : 1} />
      </UnstyledButton>
    </Table.Th>
  );
}

/** ms for which nothing is shown in place of the rows: most answers come sooner, and a flash tells nobody anything. */
const SKELETON_AFTER = 150;

/** The shape of the table until its first rows are there. */
export function TableSkeleton() {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), SKELETON_AFTER);
    return () => clearTimeout(timer);
  }, []);
  if (!late) return <div className={classes.soon} aria-busy />;
  const rows = Array.from({ length: 10 }, (_, row) => row);
  const columns = Object.entries(layouts);
  return (
    <Table className={classes.table} horizontalSpacing="xs" verticalSpacing={4} aria-busy aria-label="Loading devices">
      <Table.Tbody>
        {/* The first stands for the headers. */}
        {rows.map((row) => (
          <Table.Tr key={row} className={row === 0 ? classes.low : undefined}>
            {columns.map(([id, { width, from }]) => (
              <Table.Td key={id} w={width} visibleFrom={from}>
                <Skeleton height={14} width={typeof width === 'number' ? Math.max(16, width - 48) : '70%'} />
              </Table.Td>
            ))}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
