/** Name and value of a tag, side by side, with those that devices have already offered as one types. */
import { Autocomplete, Group } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { tagNamesQuery, tagValuesQuery } from './queries.ts';

interface Props {
  readonly connector: string;
  readonly name: string;
  readonly value: string;
  readonly onChange: (tag: { readonly name: string; readonly value: string }) => void;
  readonly error?: string | null;
  /** Tells fields of several rows apart: "Tag 2". */
  readonly prefix?: string;
  readonly autoFocus?: boolean;
  /** Within something that a click outside of it closes: the offers are then part of it. */
  readonly within?: boolean;
  /** Behind the fields. */
  readonly children?: ReactNode;
}

/** ms without a key after which values are looked up. */
const PAUSE = 200;

export function TagFields({
  connector,
  name,
  value,
  onChange,
  error,
  prefix = 'Tag',
  autoFocus,
  within,
  children,
}: Props) {
  const [settledName] = useDebouncedValue(name, PAUSE);
  const [settledValue] = useDebouncedValue(value, PAUSE);
  const { data: names = [] } = useQuery(tagNamesQuery(connector));
  const { data: values = [] } = useQuery(tagValuesQuery(connector, settledName, settledValue));
  const offered = settledName === name ? values : [];
  const counts = new Map(offered.map(({ value, count }) => [value, count]));
  return (
    <Group gap="xs" wrap="nowrap" align="flex-start">
      <Autocomplete
        label={`${prefix} name`}
        flex={1}
        miw={0}
        maxLength={128}
        limit={20}
        data={names}
        error={error}
        data-autofocus={autoFocus || undefined}
        openOnFocus={!autoFocus}
        comboboxProps={{ withinPortal: !within }}
        value={name}
        onChange={(name) => onChange({ name, value })}
      />
      <Autocomplete
        label={`${prefix} value`}
        flex={1}
        miw={0}
        maxLength={256}
        data={[...counts.keys()].filter((value) => value !== '')}
        renderOption={({ option }) => (
          <Group justify="space-between" wrap="nowrap" gap="xs" flex={1} miw={0}>
            <span style={{ overflowWrap: 'anywhere' }}>{option.value}</span>
            <span>{counts.get(option.value)}</span>
          </Group>
        )}
        comboboxProps={{ withinPortal: !within }}
        error={typeof error === 'string'}
        value={value}
        onChange={(value) => onChange({ name, value })}
      />
      {children}
    </Group>
  );
}
