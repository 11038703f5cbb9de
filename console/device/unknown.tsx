/** For an identity that is not known: says so, offers to whitelist it, and tells what became of its attempts. */
import { Button, Group, Paper, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconTagOff } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { checkIdentity, describeFormat } from '../../src/domain/identity.ts';
import { deviceQuery, settingsQuery } from '../api/queries.ts';
import { useMay } from '../api/role.ts';
import { Empty } from '../parts/empty.tsx';
import { Failure } from '../parts/failure.tsx';
import { ButtonLink } from '../parts/link.tsx';
import { visible } from '../parts/visible.ts';
import { mend } from '../refusals/mend.ts';
import { explainQuery } from '../refusals/queries.ts';
import { WhyRefused } from '../refusals/why.tsx';

interface Props {
  readonly connector: string;
  readonly identity: string;
}

export function Unknown({ connector, identity }: Props) {
  const client = useQueryClient();
  const may = useMay('operator');
  const { data } = useQuery(settingsQuery(connector));
  const { data: explained } = useQuery(explainQuery(connector, identity));
  const known = explained?.known === true;
  // Somebody else let it in, or it registered itself, while this page was open.
  useEffect(() => {
    if (known) void client.invalidateQueries({ queryKey: deviceQuery(connector, identity).queryKey });
  }, [known, client, connector, identity]);
  const format = data?.settings.identity_format;
  const fault = format === undefined ? null : checkIdentity(format, identity);
  const whitelist = useMutation({
    mutationFn: () => mend(client, { connector, identity }, { kind: 'whitelist' }),
    onSuccess: (message) => notifications.show({ color: 'teal', title: 'Whitelisted', message }),
  });
  return (
    <Stack>
      <Paper withBorder className="card">
        <Empty
          icon={<IconTagOff size={28} />}
          title="This identity is not known here"
          action={
            <Stack gap="sm" align="center">
              {whitelist.error && <Failure error={whitelist.error} />}
              <Group justify="center" gap="xs" mt="xs">
                {may && (
                  <Button disabled={fault !== null} loading={whitelist.isPending} onClick={() => whitelist.mutate()}>
                    Whitelist it
                  </Button>
                )}
                <ButtonLink to="/connectors/$connector/devices" params={{ connector }} variant="default">
                  All devices
                </ButtonLink>
              </Group>
            </Stack>
          }
        >
          <Text className="mono" fw={600} c="var(--mantine-color-text)" my={4}>
            {visible(identity)}
          </Text>
          {fault === null
            ? 'Nobody has whitelisted it, or it was deleted. If the device is yours, whitelist it.'
            : `It does not fit the identity format of this connector. ${describeFormat(format!)}`}
        </Empty>
      </Paper>
      <WhyRefused connector={connector} identity={identity} open />
    </Stack>
  );
}
