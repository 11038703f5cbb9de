/** A plot over time that can also be read as a table. The code that draws is loaded when a page first needs it. */
import { Group, ScrollArea, SegmentedControl, Skeleton, Table, Text } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';
import { formatExact } from '../parts/format-time.ts';

const Chart = lazy(() => import('./chart.tsx'));

export interface PlotSeries {
  readonly label: string;
  /** Name of one of Mantine's colours. */
  readonly color: string;
  /** One for each time; null = nothing known. */
  readonly values: readonly (number | null)[];
  /** `bars` for counts, `line` unless given, `band` for the edge of a band with the series before it. */
  readonly look?: 'line' | 'steps' | 'bars' | 'band';
}

export interface PlotProps {
  /** What it shows, in a sentence: for those who cannot see it. */
  readonly label: string;
  /** µs since the epoch, ascending. */
  readonly times: readonly number[];
  readonly series: readonly PlotSeries[];
  readonly height?: number;
  readonly unit?: string;
  /** Marks each point: for few of them. */
  readonly points?: boolean;
  /** Called with the stretch that was drawn over with the mouse, µs. */
  readonly onZoom?: (from: number, to: number) => void;
}

/** Rows of the table; the newest. */
const ROWS = 500;

export function Plot(props: PlotProps) {
  const [view, setView] = useState('plot');
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
            { value: 'plot', label: 'Plot' },
            { value: 'table', label: 'Table' },
          ]}
        />
      </Group>
      {view === 'table' ? (
        <AsTable {...props} />
      ) : (
        <Suspense fallback={<Skeleton height={height + 30} radius="sm" />}>
          <Chart {...props} height={height} />
        </Suspense>
      )}
    </div>
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
