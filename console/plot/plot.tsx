/** A plot over time that can also be read as a table. The code that draws is loaded when a page first needs it. */
import { Group, ScrollArea, SegmentedControl, Skeleton, Table, Text } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';
import { formatExact } from '../parts/format-time.ts';
import { mendLanguage } from './language.ts';

const Chart = lazy(() => {
  mendLanguage();
  return import('./chart.tsx');
});

export interface PlotSeries {
  readonly label: string;
  /** Name of one of Mantine's colours. */
  readonly color: string;
  /** One for each time; null = nothing known. */
  readonly values: readonly (number | null)[];
  /**
   * `bars` for counts, `line` unless given, `bare` for a line without anything below it, `band` for the edge of a band with
   * the series before it, `edge` for that other edge where it is no line of its own, `stack` for counts that are bars on top
   * of those of the series after it.
   */
  readonly look?: 'line' | 'bare' | 'steps' | 'bars' | 'band' | 'edge' | 'stack';
}

export interface PlotProps {
  /** What it shows, in a sentence: for those who cannot see it. */
  readonly label: string;
  /** µs since the epoch, ascending. */
  readonly times: readonly number[];
  readonly series: readonly PlotSeries[];
  /** Seconds that each of the times stands for, where it is the beginning of a bucket; the plot goes on to the end of the last. */
  readonly bucket?: number;
  readonly height?: number;
  readonly unit?: string;
  /** Marks each point: for few of them. */
  readonly points?: boolean;
  /** The time that the plot shows, µs; that of the values unless given. */
  readonly span?: { readonly from: number; readonly to: number };
  /** Names for 0, 1, … in place of numbers, where the values stand for something: `['false', 'true']`. */
  readonly names?: readonly string[];
  /** Called with the stretch that was drawn over with the mouse, µs. */
  readonly onZoom?: (from: number, to: number) => void;
}

/** Rows of the table; the newest. */
const ROWS = 500;

export function Plot(props: PlotProps) {
  const [view, setView] = useState('chart');
  const { height = 180 } = props;
  return (
    <div>
      <Group justify="flex-end" mb={4}>
        <SegmentedControl
          size="xs"
          aria-label={`How to show: ${props.label}`}
          value={view}
          onChange={setView}
          data={[
            { value: 'chart', label: 'Chart' },
            { value: 'table', label: 'Table' },
          ]}
        />
      </Group>
      {view === 'table' ? <AsTable {...props} /> : <Drawing {...props} height={height} />}
    </div>
  );
}

/** The plot without its table, for a page that has one of its own. */
export function Drawing({ height = 180, ...props }: PlotProps) {
  return (
    <Suspense fallback={<Skeleton height={height + 30} radius="sm" />}>
      <Chart {...props} height={height} />
    </Suspense>
  );
}

function AsTable({ label, times, series, height = 180, unit = '' }: PlotProps) {
  const rows = times.map((time, at) => ({ time, at })).reverse();
  const told = rows.filter(({ at }) => series.some(({ values }) => values[at] !== null && values[at] !== undefined));
  return (
    <ScrollArea h={height + 30} viewportProps={{ tabIndex: 0, 'aria-label': label }}>
      <Table stickyHeader>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">Time</Table.Th>
            {series.map((one) => (
              <Table.Th key={one.label} scope="col" ta="right">
                {one.label}
                {unit && ` (${unit})`}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {told.slice(0, ROWS).map(({ time, at }) => (
            <Table.Tr key={time}>
              <Table.Td>{formatExact(time).slice(0, 19)}</Table.Td>
              {series.map(({ label, values }) => (
                <Table.Td key={label} ta="right">
                  {values[at] === null || values[at] === undefined ? '–' : formatValue(values[at])}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {told.length > ROWS && (
        <Text size="sm" c="dimmed">
          The newest {ROWS} of {told.length}.
        </Text>
      )}
    </ScrollArea>
  );
}

/** As many digits as tell something. */
function formatValue(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString('en') : String(Number(value.toPrecision(6)));
}
