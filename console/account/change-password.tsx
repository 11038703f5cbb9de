/** Another password for the own account. A first start's link leads here with the password in its fragment. */
import { Alert, Button, Group, Paper, PasswordInput, Stack, TextInput, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { api, unwrap } from '../api/client.ts';
import type { Me } from '../api/types.ts';
import { Failure } from '../parts/failure.tsx';
import { isFirstPassword, readFirstLink } from '../sign-in/first-link.ts';

/** As the server has it (schema of PATCH /api:1/users/me). */
const LEAST = 12;

export function ChangePassword({ me: { email, second_factor: factor } }: { readonly me: Me }) {
  const navigate = useNavigate();
  const link = readFirstLink(window.location);
  const first = link?.email === email ? link.password : null;
  /** The password of the link has just been used, so that nobody has to type it. */
  const known = first !== null && isFirstPassword(email);
  const [current, setCurrent] = useState(first ?? '');
  const [chosen, setChosen] = useState('');
  const [again, setAgain] = useState('');
  const [code, setCode] = useState('');
  const differ = again !== '' && again !== chosen;
  const change = useMutation({
    mutationFn: () => {
      const password = { current, new: chosen, ...(factor && { code }) };
      return unwrap(api.PATCH('/api:1/users/me', { body: { password } }));
    },
    onSuccess: () => {
      notifications.show({ color: 'teal', title: 'Password changed', message: 'All other sessions have ended.' });
      setCurrent('');
      setChosen('');
      setAgain('');
      setCode('');
      if (first !== null) void navigate({ to: '/' });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!differ) change.mutate();
  };
  return (
    <Paper withBorder p="md" className="card" component="form" onSubmit={submit}>
      <Stack>
        <Title order={2} size="h4">
          {first === null ? 'Change password' : 'Choose your password'}
        </Title>
        {first !== null && (
          <Alert variant="light">
            {known
              ? 'This account still has the password that was made at the first start.'
              : 'The link has filled in the password of the first start. If you have chosen another one since, type that one as the current password.'}
          </Alert>
        )}
        {/* Lets a password manager know whose password this is. */}
        <TextInput
          className="visually-hidden"
          aria-hidden
          tabIndex={-1}
          autoComplete="username"
          readOnly
          value={email}
        />
        {!known && (
          <PasswordInput
            label="Current password"
            autoComplete="current-password"
            required
            value={current}
            onChange={(event) => setCurrent(event.currentTarget.value)}
          />
        )}
        <PasswordInput
          label="New password"
          description={`At least ${LEAST} characters`}
          autoComplete="new-password"
          required
          minLength={LEAST}
          value={chosen}
          onChange={(event) => setChosen(event.currentTarget.value)}
        />
        <PasswordInput
          label="New password again"
          autoComplete="new-password"
          required
          error={differ ? 'The two passwords differ' : undefined}
          value={again}
          onChange={(event) => setAgain(event.currentTarget.value)}
        />
        {factor && (
          <TextInput
            label="Code"
            description="Six digits from your authenticator app, or a recovery code"
            autoComplete="one-time-code"
            required
            value={code}
            onChange={(event) => setCode(event.currentTarget.value)}
          />
        )}
        {change.error && <Failure error={change.error} />}
        <Group>
          <Button type="submit" loading={change.isPending}>
            Change password
          </Button>
        </Group>
      </Stack>
    </Paper>
  );
}
