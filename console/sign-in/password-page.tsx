/** Where a one-time link leads: sets a password, signed in or not. The link's secret is in the fragment, which stays in the browser. */
import { Alert, Button, Center, Group, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, unwrap } from '../api/client.ts';
import { Failure } from '../parts/failure.tsx';
import { Logo } from '../shell/logo.tsx';

/** As the server has it (schema of POST /api:1/password). */
const LEAST = 12;

export function PasswordPage() {
  const [link] = useState(() => window.location.hash.slice(1));
  const [chosen, setChosen] = useState('');
  const [again, setAgain] = useState('');
  const differ = again !== '' && again !== chosen;
  const set = useMutation({
    mutationFn: () => unwrap(api.POST('/api:1/password', { body: { link, password: chosen } })),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!differ) set.mutate();
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
