/** "How a device provisions": the commands for this connector, as its settings are now. */
import { Alert, Paper, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { connectorQuery, serverQuery, settingsQuery } from '../api/queries.ts';
import type { Settings } from '../api/types.ts';
import { Command } from '../parts/command.tsx';
import { activationCommands, dataCommands } from '../parts/device-commands.ts';
import { Failure } from '../parts/failure.tsx';
import { TextLink } from '../parts/link.tsx';
import { Disclosure } from './disclosure.tsx';

interface Props {
  readonly connector: string;
  /** One that may provision now; a placeholder stands for it where none is at hand. */
  readonly identity: string | undefined;
  readonly opened: boolean;
  readonly onToggle: (opened: boolean) => void;
}

export function HowToProvision({ opened, onToggle, ...rest }: Props) {
  return (
    <Paper withBorder px="md" py="xs" className="card">
      <Disclosure label="How a device provisions" order={2} opened={opened} onToggle={onToggle}>
        <Steps {...rest} />
      </Disclosure>
    </Paper>
  );
}

function Steps({ connector: id, identity = '<identity>' }: Pick<Props, 'connector' | 'identity'>) {
  const connector = useQuery(connectorQuery(id));
  const settings = useQuery(settingsQuery(id));
  const server = useQuery(serverQuery);
  const failed = [connector, settings, server].find(({ data, error }) => error !== null && data === undefined);
  if (failed) return <Failure error={failed.error} onRetry={() => void failed.refetch()} />;
  if (!connector.data || !settings.data || !server.data) return <Skeleton height={180} my="xs" />;
  const { provisioning, pki } = settings.data.settings;
  const { ca } = server.data;
  const context = {
    url: connector.data.url,
    caPath: ca?.path ?? null,
    identity,
    type: provisioning.auth_type,
    pki: pki.enabled,
    alias: 'myalias',
    value: '50',
  };
  const commands = [...activationCommands(context), ...dataCommands(context).slice(0, 1)];
  return (
    <Stack gap="sm" py="xs">
      <Conditions connector={id} provisioning={provisioning} />
      {commands.map(({ label, command }) => (
        <Command key={label} label={label} command={command} />
      ))}
      {ca !== null && (
        <Text size="sm" c="dimmed">
          The certificate of the local CA is {ca.path} on the machine of the server; elsewhere, use a copy of it.
        </Text>
      )}
    </Stack>
  );
}

const ways = {
  token: 'A new device gets a token.',
  password: 'A new device brings a password of its own.',
  certificate: 'A new device shows a TLS client certificate: its first call provisions it.',
} as const;

interface ConditionsProps {
  readonly connector: string;
  readonly provisioning: Settings['provisioning'];
}

/** What else has to be so, or stands in the way. */
function Conditions({ connector, provisioning }: ConditionsProps) {
  const { enabled, auth_type, presenter_identity, ip_whitelisting } = provisioning;
  const link = (text: ReactNode) => (
    <TextLink to="/connectors/$connector/settings" params={{ connector }} inherit underline="always">
      {text}
    </TextLink>
  );
  return (
    <>
      {!enabled && (
        <Alert color="orange" variant="light" title="Provisioning is switched off">
          No device provisions until it is switched on in the {link('Settings')}.
        </Alert>
      )}
      <Text size="sm">
        {ways[auth_type]}{' '}
        {presenter_identity
          ? 'It need not be whitelisted: devices register their own identity.'
          : 'It has to be whitelisted, and its activation window must be open.'}
        {ip_whitelisting.enabled && ' It has to call from an address that is allowed.'} {link('Change this')}
      </Text>
    </>
  );
}
