/** A number that can be typed in peace: also while it is none yet, which is then said below it. */
import { Text, TextInput, type TextInputProps } from '@mantine/core';
import { useState } from 'react';

interface Props extends Omit<TextInputProps, 'value' | 'onChange'> {
  /** NaN for none. */
  readonly value: number;
  readonly onChange: (value: number) => void;
  readonly unit?: string;
  /** What an empty field stands for. */
  readonly blank?: number;
}

export function NumberField({ value, onChange, unit, blank = Number.NaN, ...rest }: Props) {
  const [typed, setTyped] = useState('');
  const parse = (text: string) => (text.trim() === '' ? blank : Number(text));
  // The value may have been changed past this field: discarded, or taken from the server.
  const shown = Object.is(parse(typed), value) ? typed : Number.isNaN(value) || value === blank ? '' : String(value);
  return (
    <TextInput
      {...rest}
      inputMode="decimal"
      autoComplete="off"
      value={shown}
      rightSection={
        unit && (
          <Text size="sm" c="dimmed" aria-hidden>
            {unit}
          </Text>
        )
      }
      rightSectionWidth={unit && 24 + 8 * unit.length}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        onChange(parse(event.currentTarget.value));
      }}
    />
  );
}
