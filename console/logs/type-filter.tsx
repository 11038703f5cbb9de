/** Which types of events the log shows; those of the settings unless others are chosen. */
import { Button, Checkbox, Group, Popover, ScrollArea, Stack, Text } from '@mantine/core';
import { IconChevronDown } from '@tabler/icons-react';
import { startTransition, useOptimistic, useState } from 'react';
import type { EventType } from '../../src/domain/connector.ts';
import { allEventTypes, eventLabels } from '../events/labels.ts';

interface Props {
  readonly types: readonly EventType[] | undefined;
  /** Those of the settings; undefined until they are known. */
  readonly usual: readonly EventType[] | undefined;
  /** Undefined for those of the settings. Resolves once they are chosen. */
  readonly onChange: (types: readonly EventType[] | undefined) => Promise<void>;
}

export function TypeFilter({ types, usual, onChange }: Props) {
  const [opened, setOpened] = useState(false);
  // The address follows a moment later: who clicks on before it has, clicks on what was chosen last.
  const [chosen, setChosen] = useOptimistic(types);
  const shown = chosen ?? usual ?? allEventTypes;
  const change = (next: readonly EventType[] | undefined) =>
    startTransition(async () => {
      setChosen(next);
      await onChange(next);
    });
  const choose = (names: readonly string[]) => {
    const next = allEventTypes.filter((type) => names.includes(type));
    change(next.length === 0 || isSame(next, usual) ? undefined : next);
  };
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-start" trapFocus returnFocus width={280}>
      <Popover.Target>
        <Button
          variant="default"
          fw={500}
          rightSection={<IconChevronDown size={16} aria-hidden />}
          onClick={() => setOpened((open) => !open)}
        >
          Events: {describe(shown)}
        </Button>
      </Popover.Target>
      <Popover.Dropdown p="xs" aria-label="Events to show">
        <Group justify="space-between" mb={6}>
          <Text size="sm" fw={600}>
            Show
          </Text>
          <Button size="compact-sm" variant="subtle" disabled={chosen === undefined} onClick={() => change(undefined)}>
            As in the settings
          </Button>
        </Group>
        <ScrollArea.Autosize mah="min(420px, 60vh)" type="auto" viewportProps={{ tabIndex: 0 }}>
          <Checkbox.Group value={[...shown]} onChange={choose} aria-label="Types of events">
            <Stack gap={6} px={2} py={2}>
              {allEventTypes.map((type) => (
                <Group key={type} justify="space-between" wrap="nowrap" gap="xs">
                  <Checkbox value={type} label={eventLabels[type].label} size="sm" />
                  <WireName type={type} />
                </Group>
              ))}
            </Stack>
          </Checkbox.Group>
        </ScrollArea.Autosize>
      </Popover.Dropdown>
    </Popover>
  );
}

/** The name on the wire, for those who know the API. */
function WireName({ type }: { readonly type: EventType }) {
  return (
    <Text size="xs" c="dimmed" className="mono">
      {type}
    </Text>
  );
}

function describe(shown: readonly EventType[]): string {
  if (shown.length === allEventTypes.length) return 'all types';
  if (shown.length <= 2) return shown.map((type) => eventLabels[type].label).join(', ');
  return `${shown.length} of ${allEventTypes.length} types`;
}

function isSame(chosen: readonly EventType[], usual: readonly EventType[] | undefined): boolean {
  return usual !== undefined && usual.length === chosen.length && chosen.every((type) => usual.includes(type));
}
