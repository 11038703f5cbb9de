/** A part of the page with its heading, and what stands beside the heading. */
import { Group, Paper, Stack, Title } from '@mantine/core';
import type { ReactNode } from 'react';

interface Props {
  readonly title: string;
  readonly aside?: ReactNode;
  readonly children: ReactNode;
}

export function Card({ title, aside, children }: Props) {
  return (
    <Paper withBorder p="md" className="card" component="section" aria-label={title}>
      <Stack gap="sm">
        <Group justify="space-between" gap="xs" mih={30}>
          <Title order={3} size="h4">
            {title}
          </Title>
          {aside}
        </Group>
        {children}
      </Stack>
    </Paper>
  );
}
