/** Where the link of a first start leads: a password of one's own, before anything else. */
import { Stack, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { meQuery } from '../api/queries.ts';
import { ChangePassword } from './change-password.tsx';

export function WelcomePage() {
  const { data: me } = useQuery(meQuery);
  return (
    <Stack maw={640}>
      <Title order={1} size="h2">
        Account
      </Title>
      {me && <ChangePassword me={me} />}
    </Stack>
  );
}
