/** The way in. Takes the place of whatever page was asked for, whose address stays. */
import { Box, Center, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { meQuery } from '../api/queries.ts';
import { setStatus } from '../api/status.ts';
import { Logo } from '../shell/logo.tsx';
import { readFirstLink } from './first-link.ts';
import { SignInForm } from './form.tsx';

export function SignInPage() {
  const client = useQueryClient();
  const first = readFirstLink(window.location) !== null;
  return (
    <Center component="main" mih="100vh" p="md">
      <Box w="100%" maw={400}>
        <Paper withBorder p="xl" radius="lg" className="card">
          <Stack gap="lg">
            <Group gap="sm">
              <Logo size={36} />
              <div>
                <Title order={1} size="h3">
                  {first ? 'Welcome to Slipway' : 'Sign in'}
                </Title>
                <Text size="sm" c="dimmed">
                  {first ? 'Step 1 of 2: sign in. Step 2: choose your own password.' : 'Slipway console'}
                </Text>
              </div>
            </Group>
            <SignInForm
              onSignedIn={(me) => {
                setStatus({ sessionEnded: false });
                client.setQueryData(meQuery.queryKey, me);
              }}
            />
            <Text size="xs" c="dimmed">
              {first
                ? 'The link has filled in the email and the password that were made at the first start.'
                : 'The first account and its password were printed when the server was started for the first time.'}
            </Text>
          </Stack>
        </Paper>
      </Box>
    </Center>
  );
}
