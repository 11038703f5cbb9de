/** A section of the form, with the heading that links lead to. */
import { Paper, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { headingId } from './jump.ts';
import { type SectionId, sectionTitles } from './sections.ts';
import classes from './settings.module.css';

interface Props {
  readonly id: SectionId;
  readonly about?: ReactNode;
  readonly children: ReactNode;
}

export function Section({ id, about, children }: Props) {
  return (
    <Paper
      component="section"
      aria-labelledby={headingId(id)}
      withBorder
      p={{ base: 'md', sm: 'lg' }}
      className={`card ${id === 'danger' ? classes.danger : ''}`}
    >
      <Stack>
        <div>
          <Title order={2} size="h4" id={headingId(id)} tabIndex={-1} className={classes.heading}>
            {sectionTitles[id]}
          </Title>
          {about && (
            <Text size="sm" c="dimmed">
              {about}
            </Text>
          )}
        </div>
        {children}
      </Stack>
    </Paper>
  );
}
