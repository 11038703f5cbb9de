/** Email and password, a code where one is asked for, or the provider; used by the page and by the dialog that opens a session again. */
import { Alert, Button, Divider, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, unwrap } from '../api/client.ts';
import { isCodeNeeded } from '../api/failure.ts';
import type { Me } from '../api/types.ts';
import { CodeField } from '../parts/code-field.tsx';
import { Failure } from '../parts/failure.tsx';
import { noteSignIn, readFirstLink } from './first-link.ts';
import { providerAddress, refusalIn, signInWaysQuery } from './provider.ts';

interface Props {
  /** Fills the field in beforehand. */
  readonly email?: string;
  readonly onSignedIn: (me: Me) => void;
}

export function SignInForm({ email: known = '', onSignedIn }: Props) {
  const first = readFirstLink(window.location);
  const [email, setEmail] = useState(first?.email ?? known);
  const [password, setPassword] = useState(first?.password ?? '');
  const [code, setCode] = useState('');
  const [asked, setAsked] = useState(false);
  const signIn = useMutation({
    mutationFn: () => {
      const body = { email: email.trim(), password, ...(asked && { code }) };
      return unwrap(api.POST('/api:1/session', { body }));
    },
    onSuccess: (me) => {
      noteSignIn(first, me.email, password);
      onSignedIn(me);
    },
    onError: (error) => {
      if (isCodeNeeded(error)) setAsked(true);
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
        {asked && <CodeField focused value={code} onChange={setCode} />}
        {signIn.error && !isCodeNeeded(signIn.error) && <Failure error={signIn.error} />}
        <Button type="submit" loading={signIn.isPending}>
          Sign in
        </Button>
        <Provider />
      </Stack>
    </form>
  );
}

function Provider() {
  const { data } = useQuery(signInWaysQuery);
  const [refusal] = useState(() => refusalIn(window.location.search));
  const name = data?.provider?.name;
  return (
    <>
      {refusal !== null && (
        <Alert color="red" variant="light" title="Not signed in" role="alert">
          {refusal}
        </Alert>
      )}
      {name !== undefined && (
        <>
          <Divider label="or" />
          <Button component="a" href={providerAddress()} variant="default">
            Sign in with {name}
          </Button>
        </>
      )}
    </>
  );
}
