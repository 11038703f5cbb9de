/** Email and password; used by the page and by the dialog that opens a session again. */
import { Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, unwrap } from '../api/client.ts';
import type { Me } from '../api/types.ts';
import { Failure } from '../parts/failure.tsx';
import { noteSignIn, readFirstLink } from './first-link.ts';

interface Props {
  /** Fills the field in beforehand. */
  readonly email?: string;
  readonly onSignedIn: (me: Me) => void;
}

export function SignInForm({ email: known = '', onSignedIn }: Props) {
  const first = readFirstLink(window.location);
  const [email, setEmail] = useState(first?.email ?? known);
  const [password, setPassword] = useState(first?.password ?? '');
  const signIn = useMutation({
    mutationFn: () => unwrap(api.POST('/api:1/session', { body: { email: email.trim(), password } })),
    onSuccess: (me) => {
      noteSignIn(first, me.email, password);
      onSignedIn(me);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label="Email"
          type="email"
          autoComplete="username"
          required
          data-autofocus={known === '' || undefined}
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
        />
        <PasswordInput
          label="Password"
          autoComplete="current-password"
          required
          data-autofocus={known !== '' || undefined}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        {signIn.error && <Failure error={signIn.error} />}
        <Button type="submit" loading={signIn.isPending}>
          Sign in
        </Button>
      </Stack>
    </form>
  );
}
