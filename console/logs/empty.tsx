/** Stands where the log is empty: how to get something into it, or that the filter lets nothing through. */
import { Box, Button, Text } from '@mantine/core';
import { IconFilterOff, IconListDetails } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { connectorQuery, devicesQuery, serverQuery, settingsQuery } from '../api/queries.ts';
import { Command } from '../parts/command.tsx';
import { Empty } from '../parts/empty.tsx';
import { TextLink } from '../parts/link.tsx';
import { provisionCommand } from './provision-command.ts';

export function NothingFits({ onClear }: { readonly onClear: () => void }) {
  return (
    <Empty
      icon={<IconFilterOff size={28} />}
      title="No event fits the filter"
      action={
        <Button variant="light" mt="xs" onClick={onClear}>
          Clear the filter
        </Button>
      }
    >
      New ones that fit appear here by themselves.
    </Empty>
  );
}

export function NothingYet({ connector }: { readonly connector: string }) {
  return (
    <>
      <Empty icon={<IconListDetails size={28} />} title="Nothing has happened yet">
        Provision a device: its events appear here as they happen.
      </Empty>
      <HowToProvision connector={connector} />
    </>
  );
}

/** The command that makes the first event of a device, ready to be pasted. */
export function HowToProvision({ connector }: { readonly connector: string }) {
  const { data: facts } = useQuery(connectorQuery(connector));
  const { data: server } = useQuery(serverQuery);
  const { data: settings } = useQuery(settingsQuery(connector));
  const { data: devices } = useQuery(devicesQuery(connector, { status: 'whitelisted', limit: 1 }));
  if (facts === undefined || server === undefined || settings === undefined || devices === undefined) return null;
  const identity = devices.devices[0]?.identity;
  const { auth_type: auth } = settings.settings.provisioning;
  const command = provisionCommand({
    url: facts.url,
    ca: server.ca?.path ?? null,
    identity: identity ?? '00000001',
    auth,
  });
  return (
    <Box maw={760} mx="auto" px="md" pb="xl">
      <Command
        label={identity === undefined ? 'Provision a device' : `Provision ${clip(identity)}`}
        command={command}
      />
      <Text size="sm" c="dimmed" mt={6}>
        {identity === undefined && (
          <>
            First let its identity in, under{' '}
            <TextLink
              to="/connectors/$connector/devices"
              params={{ connector }}
              search={{ add: 'one' }}
              inherit
              underline="always"
            >
              Devices
            </TextLink>
            .{' '}
          </>
        )}
        {server.ca !== null && 'The path of the CA certificate is the one on the machine of the server.'}
      </Text>
    </Box>
  );
}

const clip = (text: string) => (text.length > 40 ? `${text.slice(0, 40)}…` : text);
