/** Earlier imports of a connector: who added what and when, where those devices are, and undoing. */
import { Button, Skeleton, Stack, Table, Text } from '@mantine/core';
import { IconFileText } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { meQuery } from '../api/queries.ts';
import type { Batch } from '../api/types.ts';
import { Empty } from '../parts/empty.tsx';
import { Failure } from '../parts/failure.tsx';
import { TextLink } from '../parts/link.tsx';
import { Ago } from '../parts/time.tsx';
import classes from './import.module.css';
import { batchesQuery } from './queries.ts';
import { count, figure } from './review.ts';
import { UndoButton } from './undo.tsx';

interface Props {
  readonly connector: string;
  /** The question whether to undo is open, or no longer. */
  readonly onAsking?: (asking: boolean) => void;
}

/** Shown until one asks for more. */
const FIRST = 20;

const states: Readonly<Record<Batch['state'], string>> = {
  writing: 'Being written',
  done: 'Added',
  undoing: 'Being undone',
  undone: 'Undone',
};

export function BatchesPanel({ connector, onAsking }: Props) {
  const { data: batches, error, refetch } = useQuery(batchesQuery(connector));
  const [all, setAll] = useState(false);
  if (batches === undefined) {
    return error === null ? <Loading /> : <Failure error={error} onRetry={() => void refetch()} />;
  }
  if (batches.length === 0) {
    return (
      <Empty icon={<IconFileText size={28} />} title="Nothing has been imported yet">
        Each file that you add is listed here, with its devices, and can be undone until one of them has provisioned.
      </Empty>
    );
  }
  const shown = all ? batches : batches.slice(0, FIRST);
  return (
    <Stack gap="xs">
      {/* Scrolls by itself, so that it has to be reachable by keyboard. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: see above */}
      <section className={classes.scroll} tabIndex={0} aria-label="Earlier imports">
        <Table miw={620} verticalSpacing={6} fz="sm">
          <Table.Thead>
            <Table.Tr>
              {['Name', 'Devices', 'When', 'Who', 'State'].map((column) => (
                <Table.Th key={column} scope="col">
                  {column}
                </Table.Th>
              ))}
              <Table.Th scope="col">
                <span className="visually-hidden">Undo</span>
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {shown.map((batch) => (
              <Row key={batch.id} connector={connector} batch={batch} onAsking={onAsking} />
            ))}
          </Table.Tbody>
        </Table>
      </section>
      {shown.length < batches.length && (
        <Button variant="subtle" size="xs" onClick={() => setAll(true)}>
          Show all {count(batches.length, 'import')}
        </Button>
      )}
    </Stack>
  );
}

function Row({ connector, batch, onAsking }: Props & { readonly batch: Batch }) {
  const { data: me } = useQuery(meQuery);
  return (
    <Table.Tr>
      <Table.Td style={{ overflowWrap: 'anywhere', minWidth: 140 }}>
        {batch.state === 'undone' ? (
          batch.name
        ) : (
          <TextLink inherit to="/connectors/$connector/devices" params={{ connector }} search={{ batch: batch.id }}>
            {batch.name}
          </TextLink>
        )}
      </Table.Td>
      <Table.Td style={{ fontVariantNumeric: 'tabular-nums' }}>{figure(batch.count)}</Table.Td>
      <Table.Td style={{ whiteSpace: 'nowrap' }}>
        <Ago at={batch.created} />
      </Table.Td>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>
        <Text span inherit c="dimmed">
          {batch.who}
        </Text>
      </Table.Td>
      <Table.Td style={{ whiteSpace: 'nowrap' }}>{states[batch.state]}</Table.Td>
      <Table.Td ta="right">
        {batch.state === 'done' && me?.role !== 'viewer' && (
          <UndoButton connector={connector} batch={batch} size="compact-sm" onAsking={onAsking} />
        )}
      </Table.Td>
    </Table.Tr>
  );
}

function Loading() {
  return (
    <Stack gap={6} aria-hidden>
      {[1, 2, 3].map((row) => (
        <Skeleton key={row} height={34} />
      ))}
    </Stack>
  );
}
