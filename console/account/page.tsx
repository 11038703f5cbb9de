/** The own account: who it is, its password, second factor and sessions. */
import { Group, Paper, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { meQuery } from '../api/queries.ts';
import { ChangePassword } from './change-password.tsx';
import { SecondFactor } from './second-factor.tsx';
import { OwnSessions } from './sessions.tsx';

export function AccountPage() {
  const { data: me } = useQuery(meQuery);
  if (!me) return null;
  const connectors = me.all_connectors ? 'all' : String(me.connectors.length);
  return (
    <Stack maw={640}>
      <Paper withBorder p="md" className="card">
        <Group gap="xl">
          <Fact name="Email" value={me.email} />
          <Fact name="Role" value={me.role} />
          <Fact name="Connectors" value={connectors} />
        </Group>
      </Paper>
      {me.has_password && <ChangePassword me={me} />}
      {me.has_password && <SecondFactor me={me} />}
      <OwnSessions />
    </Stack>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {name}
      </Text>
      <Text style={{ overflowWrap: 'anywhere' }}>{value}</Text>
    </div>
  );
}
