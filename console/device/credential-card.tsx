/** What is bound to the device, until when, and commands to try it with; never the secret. */
import { Badge, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Fragment } from 'react';
import { connectorQuery, serverQuery, settingsQuery } from '../api/queries.ts';
import type { Identity } from '../api/types.ts';
import { Command } from '../parts/command.tsx';
import { CopyButton } from '../parts/copy-button.tsx';
import { activationCommands, dataCommands } from '../parts/device-commands.ts';
import { formatExact } from '../parts/format-time.ts';
import { Ago } from '../parts/time.tsx';
import { validityOf } from '../parts/validity.ts';
import { Card } from './card.tsx';
import { formatFingerprint } from './credential.ts';
import { exampleOf, type ResourceRow } from './values.ts';

const kinds = { token: 'Token', password: 'Password', certificate: 'TLS Client Certificate' } as const;

interface Props {
  readonly connector: string;
  readonly device: Identity;
  readonly rows: readonly ResourceRow[];
}

export function Credential({ connector, device, rows }: Props) {
  const { credential, auth } = device;
  return (
    <Card title="Credential">
      <Group gap="xs">
        <Text fw={600}>{kinds[auth.type]}</Text>
        {!credential && <Text size="sm">not bound yet</Text>}
      </Group>
      {credential ? <Bound device={device} credential={credential} /> : <Window device={device} />}
      <Commands connector={connector} device={device} rows={rows} />
    </Card>
  );
}

function Bound({
  device,
  credential,
}: {
  readonly device: Identity;
  readonly credential: NonNullable<Identity['credential']>;
}) {
  const { fingerprint, not_before: from, not_after: to } = credential;
  const { expire } = device.auth;
  return (
    <Stack gap="xs">
      {fingerprint !== undefined && (
        <div>
          <Group gap={4} justify="space-between" wrap="nowrap">
            <Text size="xs" c="dimmed">
              Fingerprint (SHA-256)
            </Text>
            <CopyButton value={fingerprint} label="fingerprint" />
          </Group>
          <Text size="sm" className="mono">
            {formatFingerprint(fingerprint).map((pair) => (
              <Fragment key={pair.at}>
                {pair.text}
                <wbr />
              </Fragment>
            ))}
          </Text>
        </div>
      )}
      {from !== undefined && to !== undefined && <Validity from={from} to={to} />}
      {fingerprint === undefined && (
        <Text size="sm" c="dimmed">
          The secret itself is not stored here and cannot be shown again.
        </Text>
      )}
      {expire !== undefined && (
        <Text size="sm">
          {expire <= Date.now() * 1000 ? 'Ended ' : 'Ends '}
          <Ago at={expire} />, on {formatExact(expire).slice(0, 16)}.
        </Text>
      )}
      {device.reprovision && (
        <Text size="sm">May provision once more. This credential works until the new one is used.</Text>
      )}
    </Stack>
  );
}

const tones = { good: 'harbour', warn: 'orange', bad: 'red' } as const;

function Validity({ from, to }: { readonly from: number; readonly to: number }) {
  const { text, tone } = validityOf(from, to, Date.now() * 1000);
  return (
    <div>
      <Text size="xs" c="dimmed">
        Valid
      </Text>
      <Group gap="xs">
        <Text size="sm">
          {formatExact(from).slice(0, 16)} to {formatExact(to).slice(0, 16)}
        </Text>
        <Badge variant="light" color={tones[tone]} size="lg" tt="none">
          {text}
        </Badge>
      </Group>
      {tone === 'warn' && <Text size="sm">Renew it soon: after that day the device is refused.</Text>}
    </div>
  );
}

/** Until when a device that has no credential may get one. */
function Window({ device: { auth } }: { readonly device: Identity }) {
  const { expire } = auth;
  if (expire === undefined) return <Text size="sm">It may provision at any time.</Text>;
  if (expire === 0) return <Text size="sm">Revoked: it has no credential and may not get one.</Text>;
  const closed = expire <= Date.now() * 1000;
  return (
    <Text size="sm">
      {closed ? 'Its activation window closed ' : 'It may provision until its activation window closes '}
      <Ago at={expire} />, on {formatExact(expire).slice(0, 16)}.
    </Text>
  );
}

function Commands({ connector, device, rows }: Props) {
  const { data: about } = useQuery(connectorQuery(connector));
  const { data: server } = useQuery(serverQuery);
  const { data } = useQuery(settingsQuery(connector));
  if (about === undefined || server === undefined || data === undefined) return null;
  if (device.locked) return <Text size="sm">The device is locked: unlock it to try it with commands.</Text>;
  const { identity, credential, auth, reprovision } = device;
  const open = !credential && (auth.expire === undefined || auth.expire > Date.now() * 1000);
  const byCertificate = auth.type === 'certificate';
  const context = {
    url: about.url,
    caPath: server.ca?.path ?? null,
    identity,
    type: auth.type,
    pki: data.settings.pki.enabled,
    ...exampleOf(rows),
  };
  const commands = [
    ...(open || reprovision ? activationCommands(context) : []),
    ...(credential || (open && byCertificate) ? dataCommands(context) : []),
  ];
  if (commands.length === 0) return null;
  return (
    <Stack gap="sm">
      {commands.map(({ label, command }) => (
        <Command key={label} label={label} command={command} />
      ))}
    </Stack>
  );
}
