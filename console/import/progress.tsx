/** How far the sending, the reading or the writing of a file is. */
import { Progress as Bar, Group, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { count, figure, formatBytes } from './review.ts';
import { type Progress, percent } from './state.ts';

interface Props {
  readonly progress: Progress;
  /** Rows in the file, once that is known. */
  readonly rows?: number;
  /** A button that ends it. */
  readonly children?: ReactNode;
}

export function ImportProgress({ progress, rows, children }: Props) {
  const value = percent(progress, rows);
  return (
    <Stack gap={6}>
      <Group justify="space-between" gap="sm">
        <Text size="sm">{say(progress, rows)}</Text>
        {children}
      </Group>
      <Bar.Root size="lg">
        <Bar.Section
          value={value ?? 100}
          animated={value === null}
          striped={value === null}
          aria-label={labels[progress.phase]}
        />
      </Bar.Root>
    </Stack>
  );
}

const labels = { sending: 'Sent', reading: 'Read', writing: 'Written' } as const;

function say(progress: Progress, rows: number | undefined): string {
  switch (progress.phase) {
    case 'sending':
      return `Sending the file: ${formatBytes(progress.sent)} of ${formatBytes(progress.size)}`;
    case 'reading':
      return rows === undefined
        ? `Checking: ${count(progress.rows, 'row')} read so far`
        : `Checking once more: ${figure(progress.rows)} of ${count(rows, 'row')} read`;
    case 'writing':
      return `Writing: ${figure(progress.rows)} of ${count(progress.total, 'row')} written`;
  }
}
