/** Stays at the bottom of the window: what was changed, what that affects, and the one SAVE of the page. */
import { Alert, Button, Group, SimpleGrid, Text, Title } from '@mantine/core';
import { useDisclosure, useMediaQuery } from '@mantine/hooks';
import { IconChevronDown, IconChevronUp, IconUsers } from '@tabler/icons-react';
import { Failure } from '../parts/failure.tsx';
import { Changes, Effects } from './change-list.tsx';
import type { Change } from './draft.ts';
import type { Effect } from './effects.ts';
import classes from './settings.module.css';
import { plural } from './words.ts';

interface Props {
  readonly connector: string;
  readonly changes: readonly Change[];
  readonly effects: readonly Effect[];
  readonly busy: boolean;
  /** Of the last attempt, where it is not told at the fields. */
  readonly error: unknown;
  readonly overtaken: boolean;
  readonly onSave: () => void;
  readonly onDiscard: () => void;
  readonly onCompare: () => void;
}

export function SaveBar({ connector, changes, effects, busy, error, overtaken, onSave, onDiscard, onCompare }: Props) {
  const wide = useMediaQuery('(min-width: 48em)', true);
  const [toggled, { toggle }] = useDisclosure(false);
  const changed = changes.length > 0;
  const open = changed && (wide ? !toggled : toggled);
  return (
    <section aria-label="Changes" className={classes.bar}>
      {open && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls by itself
        <section id="change-details" className={classes.details} tabIndex={0} aria-label="What changes">
          <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="lg">
            <div>
              <Title order={2} size="h6" mb={4}>
                What changes
              </Title>
              <Text size="sm" component="div">
                <Changes connector={connector} changes={changes} />
              </Text>
            </div>
            {effects.length > 0 && (
              <div>
                <Title order={2} size="h6" mb={4}>
                  What it affects, and what not
                </Title>
                <Effects effects={effects} />
              </div>
            )}
          </SimpleGrid>
        </section>
      )}
      {overtaken && (
        <Alert variant="light" color="orange" p="xs" mb="sm" icon={<IconUsers aria-hidden />}>
          <Group gap="sm">
            <Text size="sm">Somebody else changed these settings meanwhile.</Text>
            <Button size="compact-sm" variant="default" onClick={onCompare}>
              Compare
            </Button>
          </Group>
        </Alert>
      )}
      {error !== null && (
        <div style={{ marginBottom: 'var(--mantine-spacing-sm)' }}>
          <Failure error={error} />
        </div>
      )}
      <Group justify="space-between" gap="xs">
        <Group gap="xs">
          <Text size="sm" role="status" fw={changed ? 600 : undefined} c={changed ? undefined : 'dimmed'}>
            {changed ? `${plural(changes.length, 'change')} not saved` : 'Nothing to save'}
          </Text>
          {changed && (
            <Button
              size="compact-sm"
              variant="subtle"
              aria-expanded={open}
              aria-controls={open ? 'change-details' : undefined}
              rightSection={open ? <IconChevronDown size={14} aria-hidden /> : <IconChevronUp size={14} aria-hidden />}
              onClick={toggle}
            >
              Details
            </Button>
          )}
        </Group>
        <Group gap="xs" ml="auto">
          {changed && (
            <Button variant="default" disabled={busy} onClick={onDiscard}>
              Discard
            </Button>
          )}
          <Button disabled={!changed} loading={busy} onClick={onSave}>
            SAVE
          </Button>
        </Group>
      </Group>
    </section>
  );
}
