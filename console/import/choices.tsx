/** How the file is added: its activation window, its name, and what becomes of bad rows. */
import { NumberInput, SimpleGrid, Stack, Switch, TextInput } from '@mantine/core';
import { count, type Review } from './review.ts';
import { type Choices, hoursFault, NAME_MAX } from './state.ts';

interface Props {
  readonly choices: Choices;
  readonly fileName: string;
  /** Null as long as nothing was checked. */
  readonly review: Review | null;
  readonly disabled: boolean;
  readonly onChange: (choices: Partial<Choices>) => void;
}

export function ChoicesForm({ choices, fileName, review, disabled, onChange }: Props) {
  return (
    <Stack gap="sm">
      {review !== null && review.bad > 0 && (
        <Switch
          label="Leave the bad rows out"
          description={
            review.new === 0
              ? 'The others of this file are no new devices.'
              : `Adds ${count(review.new, 'new device')} and leaves ${count(review.bad, 'row')} out. Otherwise correct the file and choose it again: nothing is written while a row is bad.`
          }
          checked={choices.skip}
          disabled={disabled}
          onChange={(event) => onChange({ skip: event.currentTarget.checked })}
        />
      )}
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md">
        <NumberInput
          label="Activation window"
          suffix=" hours"
          description="Devices that have not provisioned by then expire"
          min={0}
          clampBehavior="none"
          thousandSeparator=","
          value={choices.hours ?? ''}
          error={hoursFault(choices)}
          disabled={disabled}
          onChange={(hours) => onChange({ hours })}
        />
        <TextInput
          label="Name of the batch"
          description="To find these devices again, and to undo"
          maxLength={NAME_MAX}
          placeholder={fileName}
          value={choices.name ?? fileName.slice(0, NAME_MAX)}
          disabled={disabled}
          onChange={(event) => onChange({ name: event.currentTarget.value })}
        />
      </SimpleGrid>
    </Stack>
  );
}
