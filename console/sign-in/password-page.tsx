/** Where a one-time link leads: sets a password, signed in or not. The link's secret is in the fragment, which stays in the browser. */
import { Alert, Button, Center, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, unwrap } from '../api/client.ts';
import { Failure } from '../parts/failure.tsx';
import { PasswordFields, useNewPassword } from '../parts/password-fields.tsx';
import { Logo } from '../shell/logo.tsx';

export function PasswordPage() {
  const [link] = useState(() => window.location.hash.slice(1));
  const fresh = useNewPassword();
  const set = useMutation({
    mutationFn: () => unwrap(api.POST('/api:1/password', { body: { link, password: fresh.chosen } })),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!fresh.differ) set.mutate();
  };
  return (
    <Center component="main" mih="100vh" p="md">
      <Paper withBorder p="xl" radius="lg" className="card" w="100%" maw={400}>
        <Stack gap="lg">
          <Group gap="sm">
            <Logo size={36} />
            <Title order={1} size="h3">
              Set your password
            </Title>
          </Group>
          {set.data ? (
            <>
              <Alert color="teal" variant="light" role="status">
                The password of {set.data.email} is set.
              </Alert>
              <Button component="a" href="/">
                Go to sign in
              </Button>
            </>
          ) : (
            <form onSubmit={submit}>
              <Stack>
                <PasswordFields of={fresh} />
                {set.error && <Failure error={set.error} />}
                <Button type="submit" loading={set.isPending}>
                  Set password
                </Button>
                <Text size="xs" c="dimmed">
                  The link is good once. Ask an admin for another one if it has ended.
                </Text>
              </Stack>
            </form>
          )}
        </Stack>
      </Paper>
    </Center>
  );
}
