/** Stands where the server was lost while it was writing: looks what came of it as soon as the server is back. */
import { Alert, Button, Group, Text } from '@mantine/core';
import { IconPlugConnectedX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { Batch } from '../api/types.ts';
import { batchesQuery } from './queries.ts';
import { count } from './review.ts';
import type { Import } from './use-import.ts';

/** ms between two looks. */
const LOOK = 2_000;

interface Props {
  readonly connector: string;
  readonly job: Import;
  /** The server had the whole file. */
  readonly uploaded: boolean;
}

export function Lost({ connector, job, uploaded }: Props) {
  const [since] = useState(() => Date.now());
  const { data, dataUpdatedAt, isError } = useQuery({ ...batchesQuery(connector), refetchInterval: LOOK });
  const looked = dataUpdatedAt > since && !isError;
  const batch = looked ? job.findIn(data ?? []) : undefined;
  const done = batch?.state === 'done';
  useEffect(() => {
    if (done) job.found(batch as Batch);
  }, [done]);
  return (
    <Alert
      color="blue"
      variant="light"
      icon={<IconPlugConnectedX aria-hidden />}
      title="The server was lost while the devices were being added"
      role="alert"
    >
      <Text size="sm">{say(looked, batch, uploaded)}</Text>
      {looked && batch === undefined && (
        <Group mt="xs">
          <Button size="xs" variant="default" onClick={job.add}>
            Try again
          </Button>
        </Group>
      )}
    </Alert>
  );
}

function say(looked: boolean, batch: Batch | undefined, uploaded: boolean): string {
  if (!looked) {
    return 'Whether they were added is not known yet. Wait: this page asks every 2 seconds, and tells as soon as the server is back. The file and your choices are still here.';
  }
  if (batch !== undefined)
    return `The server is back and goes on by itself: ${count(batch.count, 'device')} added so far.`;
  return uploaded
    ? 'The server is back, and nothing of the file is in it so far. Try again: what may still come in is left as it is, none is added twice.'
    : 'The server is back, and nothing of the file was written. The file and your choices are still here: try again.';
}
