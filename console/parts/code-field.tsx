/** A code of the second factor, beside a password. */
import { TextInput } from '@mantine/core';

interface Props {
  readonly value: string;
  readonly onChange: (code: string) => void;
  /** It has just come up, and is what is asked for now. */
  readonly focused?: boolean;
}

export function CodeField({ value, onChange, focused = false }: Props) {
  return (
    <TextInput
      label="Code"
      description="Six digits from your authenticator app, or a recovery code"
      autoComplete="one-time-code"
      required
      ref={focused ? focusOnce : undefined}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

const focusOnce = (input: HTMLInputElement | null) => input?.focus();
