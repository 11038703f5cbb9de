/** Which events the log shows. */
import { Button, Checkbox, Group, SimpleGrid, Stack } from '@mantine/core';
import { eventTypes } from '../../src/domain/connector.ts';
import { allEventTypes, eventLabels } from '../events/labels.ts';
import { useField } from './editor.ts';
import { Section } from './section.tsx';

export function Events() {
  const { id, value, set, error, disabled } = useField('events.types');
  // In the order of the catalogue, so that what is put back is no change.
  const choose = (chosen: readonly string[]) => set(eventTypes.filter((type) => chosen.includes(type)));
  return (
    <Section
      id="events"
      about="What the log shows unless other events are asked for. All are recorded, whatever is chosen here."
    >
      <Checkbox.Group
        id={id}
        aria-label="Shown in the log"
        value={[...value]}
        error={error}
        onChange={(chosen) => choose(chosen)}
      >
        <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} spacing="sm" verticalSpacing="sm">
          {allEventTypes.map((type) => (
            <Checkbox
              key={type}
              value={type}
              disabled={disabled}
              label={
                <>
                  {eventLabels[type].label} <span className="mono">{type}</span>
                </>
              }
              description={eventLabels[type].meaning}
            />
          ))}
        </SimpleGrid>
      </Checkbox.Group>
      {!disabled && (
        <Stack>
          <Group gap="xs">
            <Button variant="default" size="compact-sm" onClick={() => choose(eventTypes)}>
              Show all events
            </Button>
            <Button variant="default" size="compact-sm" onClick={() => choose([])}>
              Show none
            </Button>
          </Group>
        </Stack>
      )}
    </Section>
  );
}
