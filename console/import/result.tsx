/** What came of it: how many devices, where they are, and how to take them back. */
import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { IconArrowBackUp, IconCircleCheck } from '@tabler/icons-react';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { Batch } from '../api/types.ts';
import { ButtonLink } from '../parts/link.tsx';
import { count, leftOut, type Review } from './review.ts';
import { UndoButton } from './undo.tsx';

interface Props {
  readonly connector: string;
  readonly batch: Batch;
  readonly review: Review;
  readonly onAnother: () => void;
  readonly onClose: () => void;
  readonly onAsking: (asking: boolean) => void;
}

export function Result({ connector, batch, review, onAnother, onClose, onAsking }: Props) {
  const [undone, setUndone] = useState(false);
  const said = useRef<HTMLDivElement>(null);
  // The button that was pressed is gone: who works with the keyboard goes on from here.
  useEffect(() => said.current?.focus(), [undone]);
  const devices = count(batch.count, 'device');
  if (undone) {
    return (
      <Stack gap="md">
        <Alert
          ref={said}
          tabIndex={-1}
          color="blue"
          variant="light"
          icon={<IconArrowBackUp aria-hidden />}
          title={`Undone: ${devices} removed`}
          role="status"
        >
          <Text size="sm">All that {batch.name} brought in is gone. The file can be added again.</Text>
        </Alert>
        <Footer onAnother={onAnother} onClose={onClose} />
      </Stack>
    );
  }
  return (
    <Stack gap="md">
      <Alert
        ref={said}
        tabIndex={-1}
        color="harbour"
        variant="light"
        icon={<IconCircleCheck aria-hidden />}
        title={`${devices} added`}
        role="status"
      >
        {leftOut(review).map((sentence) => (
          <Text size="sm" key={sentence}>
            {sentence}
          </Text>
        ))}
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          They are the batch {batch.name}, which can be undone until the first of them has provisioned.
        </Text>
      </Alert>
      <Footer onAnother={onAnother} onClose={onClose}>
        <UndoButton connector={connector} batch={batch} onUndone={() => setUndone(true)} onAsking={onAsking} />
        <ButtonLink to="/connectors/$connector/devices" params={{ connector }} search={{ batch: batch.id }}>
          Show these devices
        </ButtonLink>
      </Footer>
    </Stack>
  );
}

function Footer({
  onAnother,
  onClose,
  children,
}: Pick<Props, 'onAnother' | 'onClose'> & { readonly children?: ReactNode }) {
  return (
    <Group justify="space-between" gap="sm">
      <Button variant="subtle" onClick={onAnother}>
        Add another file
      </Button>
      <Group gap="sm">
        {children}
        <Button variant="default" onClick={onClose}>
          Close
        </Button>
      </Group>
    </Group>
  );
}
