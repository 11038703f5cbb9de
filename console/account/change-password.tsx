/** Another password for the own account. A first start's link leads here with the password in its fragment. */
import { Alert, Button, Group, Paper, PasswordInput, Stack, TextInput, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { api, unwrap } from '../api/client.ts';
import type { Me } from '../api/types.ts';
import { CodeField } from '../parts/code-field.tsx';
import { Failure } from '../parts/failure.tsx';
import { PasswordFields, useNewPassword } from '../parts/password-fields.tsx';
import { isFirstPassword, readFirstLink } from '../sign-in/first-link.ts';

export function ChangePassword({ me: { email, second_factor: factor } }: { readonly me: Me }) {
  const navigate = useNavigate();
  const link = readFirstLink(window.location);
  const first = link?.email === email ? link.password : null;
  /** The password of the link has just been used, so that nobody has to type it. */
  const known = first !== null && isFirstPassword(email);
  const [current, setCurrent] = useState(first ?? '');
  const fresh = useNewPassword();
  const [code, setCode] = useState('');
  const change = useMutation({
    mutationFn: () => {
      const password = { current, new: fresh.chosen, ...(factor && { code }) };
      return unwrap(api.PATCH('/api:1/users/me', { body: { password } }));
    },
    onSuccess: () => {
      notifications.show({ color: 'teal', title: 'Password changed', message: 'All other sessions have ended.' });
      setCurrent('');
      fresh.clear();
      setCode('');
      if (first !== null) void navigate({ to: '/' });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!fresh.differ) change.mutate();
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
        <PasswordFields of={fresh} />
        {factor && <CodeField value={code} onChange={setCode} />}
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
