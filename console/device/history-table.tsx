/** Values over time as a table, newest first: for those who want the figures, or cannot see the chart. */
import { Button, Table } from '@mantine/core';
import { useState } from 'react';
import { formatExact } from '../parts/format-time.ts';
import { formatNumber, type History } from './history.ts';
import classes from './history-table.module.css';

const STEP = 100;

interface Props {
  readonly alias: string;
  readonly unit: string;
  readonly history: History;
}

export function HistoryTable({ alias, unit, history }: Props) {
  const [count, setCount] = useState(STEP);
  const { points, bucket } = history;
  const newest = points.toReversed().slice(0, count);
  const values = bucket === null ? ['Value'] : ['Least', 'Mean', 'Greatest', 'Values'];
  return (
    <>
      <Table.ScrollContainer
        minWidth={0}
        maxHeight={360}
        type="native"
        tabIndex={0}
        role="group"
        aria-label={`Values of ${alias}`}
      >
        <Table stickyHeader verticalSpacing={4} horizontalSpacing="xs">
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">Time</Table.Th>
              {values.map((name) => (
                <Table.Th key={name} scope="col">
                  {name}
                  {unit !== '' && name !== 'Values' && ` (${unit})`}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {newest.map((point) => (
              <Table.Tr key={point.timestamp}>
                <Table.Td className={classes.time}>
                  {formatExact(point.timestamp).slice(0, bucket === null ? 23 : 19)}
                </Table.Td>
                {bucket === null ? (
                  <Table.Td className="mono">{point.value === '' ? '(empty)' : point.value?.slice(0, 500)}</Table.Td>
                ) : (
                  [point.min, point.mean, point.max, point.count].map((value, i) => (
                    <Table.Td key={values[i]} className={classes.number}>
                      {value === undefined ? '' : formatNumber(value)}
                    </Table.Td>
                  ))
                )}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {points.length > count && (
        <Button size="xs" variant="default" onClick={() => setCount(count + STEP)}>
          Show {Math.min(STEP, points.length - count)} more of {(points.length - count).toLocaleString('en-US')}
        </Button>
      )}
    </>
  );
}
