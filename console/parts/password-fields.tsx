/** A new password, typed twice. */
import { PasswordInput } from '@mantine/core';
import { useState } from 'react';

/** Characters, as the server has it (schemas of PATCH /api:1/users/me and POST /api:1/password). */
const LEAST = 12;

/** What is typed, and whether it may be sent. */
export function useNewPassword() {
  const [chosen, setChosen] = useState('');
  const [again, setAgain] = useState('');
  const clear = () => {
    setChosen('');
    setAgain('');
  };
  return { chosen, again, setChosen, setAgain, clear, differ: again !== '' && again !== chosen };
}

export function PasswordFields({ of }: { readonly of: ReturnType<typeof useNewPassword> }) {
  return (
    <>
      <PasswordInput
        label="New password"
        description={`At least ${LEAST} characters`}
        autoComplete="new-password"
        required
        minLength={LEAST}
        value={of.chosen}
        onChange={(event) => of.setChosen(event.currentTarget.value)}
      />
      <PasswordInput
        label="New password again"
        autoComplete="new-password"
        required
        error={of.differ ? 'The two passwords differ' : undefined}
        value={of.again}
        onChange={(event) => of.setAgain(event.currentTarget.value)}
      />
    </>
  );
}
