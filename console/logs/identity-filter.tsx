/** Leaves only the events of one identity; takes effect a moment after the last key. */
import { CloseButton, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useEffect, useState } from 'react';

interface Props {
  readonly identity: string | undefined;
  readonly onChange: (identity: string | undefined) => void;
}

/** ms */
const SETTLE = 350;

export function IdentityFilter({ identity = '', onChange }: Props) {
  const [typed, setTyped] = useState(identity);
  useEffect(() => setTyped(identity), [identity]);
  const settle = useDebouncedCallback((text: string) => onChange(text === '' ? undefined : text), SETTLE);
  const clear = () => {
    settle.cancel();
    setTyped('');
    onChange(undefined);
  };
  return (
    <TextInput
      aria-label="Identity"
      placeholder="Only this identity (whole)"
      maxLength={256}
      w={{ base: '100%', xs: 280 }}
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        settle(event.currentTarget.value);
      }}
      rightSection={typed === '' ? null : <CloseButton size="sm" aria-label="Clear the identity" onClick={clear} />}
    />
  );
}
