/** Undoes an import: asks first, and says why it cannot be done where it cannot. */
import { Button, type ButtonProps, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiFailure, Unreachable } from '../api/failure.ts';
import type { Batch } from '../api/types.ts';
import { Confirm } from '../parts/confirm.tsx';
import { TextLink } from '../parts/link.tsx';
import { forgetLists, provisionedInQuery, undoBatch } from './queries.ts';
import { count } from './review.ts';

const countHave = (n: number) => `${count(n, 'device')} of this one ${n === 1 ? 'has' : 'have'}`;

interface Props extends Pick<ButtonProps, 'size' | 'variant'> {
  readonly connector: string;
  readonly batch: Batch;
  readonly onUndone?: (batch: Batch) => void;
  /** The question is open, or no longer: what is below must not take its Escape. */
  readonly onAsking?: (asking: boolean) => void;
}

export function UndoButton({ connector, batch, onUndone, onAsking, ...button }: Props) {
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const ask = (open: boolean) => {
    setAsking(open);
    onAsking?.(open);
  };
  const undo = useMutation({
    mutationFn: () => undoBatch(connector, batch.id),
    onSuccess: (undone) => {
      ask(false);
      onUndone?.(undone);
    },
    // Also when it failed: it may have been undone all the same, by somebody else or before the server was lost.
    onSettled: () => forgetLists(client, connector),
  });
  const provisioned = useQuery({ ...provisionedInQuery(connector, batch.id), enabled: asking });
  const refused = undo.error instanceof ApiFailure && undo.error.code === 'STATE_CONFLICT';
  // As the server judges when it is asked; the list tells before that.
  const conflict = refused || (provisioned.data ?? 0) > 0;
  const devices = count(batch.count, 'device');
  return (
    <>
      <Button
        variant="default"
        {...button}
        onClick={() => {
          undo.reset();
          ask(true);
        }}
        aria-label={`Undo ${batch.name}`}
      >
        Undo
      </Button>
      <Confirm
        opened={asking}
        title="Undo this import?"
        action={`Remove ${devices}`}
        color="red.9"
        busy={undo.isPending}
        disabled={conflict || provisioned.isLoading}
        error={refused ? null : undo.error}
        onConfirm={() => undo.mutate()}
        onClose={() => ask(false)}
      >
        {!conflict && (
          <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
            {`The ${devices} that ${batch.name} brought in ${batch.count === 1 ? 'is' : 'are'} removed, as long as none of them has provisioned. The file can be added again after that.`}
          </Text>
        )}
        {conflict && (
          <Text size="sm" role="alert" style={{ overflowWrap: 'anywhere' }}>
            {refused ? 'Nothing was removed: ' : `${batch.name} cannot be undone any more: `}
            an import can be undone only until its first device has provisioned
            {provisioned.data ? `, and ${countHave(provisioned.data)}` : ''}. Devices that are not wanted can be deleted{' '}
            <TextLink to="/connectors/$connector/devices" params={{ connector }} search={{ batch: batch.id }}>
              in the list
            </TextLink>
            .
          </Text>
        )}
        {undo.error instanceof Unreachable && (
          <Text size="sm">
            It may have been undone all the same. “Earlier imports” will tell once the server is back.
          </Text>
        )}
      </Confirm>
    </>
  );
}
