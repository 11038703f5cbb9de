/** Which CAs vouch for certificates of devices, and which certificates they have taken back. */
import { Alert, Button, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { IconAlertTriangle, IconPlus } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { Command } from '../parts/command.tsx';
import { Certificate, RevocationList } from './decoded.tsx';
import { fieldId, useEditor, useField } from './editor.ts';
import { nameIn } from './queries.ts';
import { Section } from './section.tsx';
import { Toggle } from './toggle.tsx';

interface Props {
  readonly onAddCa: () => void;
  readonly onAddCrl: () => void;
}

const makeCa = [
  'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -sha256 \\',
  '  -subj "/O=My company/CN=Device CA" \\',
  '  -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \\',
  '  -keyout ca-key.pem -out ca-cert.pem',
].join('\n');

export function Pki({ onAddCa, onAddCrl }: Props) {
  const { values } = useEditor();
  return (
    <Section
      id="pki"
      about="With PKI, a device's certificate must lead to one of your CAs, be inside its dates, and be on no revocation list. Without, certificates that devices signed themselves are taken."
    >
      <Toggle
        path="pki.enabled"
        label="Enable PKI"
        about="Applies to provisioned devices as well, from their next request on."
      />
      {values['pki.enabled'] && values['pki.client_ca'].length === 0 && (
        <Alert variant="light" color="orange" p="xs" icon={<IconAlertTriangle aria-hidden />}>
          PKI needs at least one CA certificate: add one below.
        </Alert>
      )}
      <Entries
        path="pki.client_ca"
        title="CA certificates"
        none="No CA certificate yet."
        action="ADD"
        onAdd={onAddCa}
      />
      <Command label="Make a CA of your own (keep ca-key.pem to yourself, add ca-cert.pem here)" command={makeCa} />
      <Entries
        path="pki.crl"
        title="Revocation lists"
        none="No revocation list yet: no certificate is revoked."
        action="Add revocation list"
        onAdd={onAddCrl}
      />
    </Section>
  );
}

interface EntriesProps {
  readonly path: 'pki.client_ca' | 'pki.crl';
  readonly title: string;
  readonly none: string;
  readonly action: string;
  readonly onAdd: () => void;
}

function Entries({ path, title, none, action, onAdd }: EntriesProps) {
  const { faults, readOnly, connector, base } = useEditor();
  const { id, value: pems, set, error } = useField(path);
  const client = useQueryClient();
  const One = path === 'pki.crl' ? RevocationList : Certificate;
  return (
    <Stack gap="sm" id={id} tabIndex={-1} role="group" aria-label={title}>
      <Group justify="space-between">
        <Title order={3} size="h5">
          {title}
        </Title>
        {!readOnly && (
          <Button size="xs" variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={onAdd}>
            {action}
          </Button>
        )}
      </Group>
      {error && <Fault text={error} />}
      {pems.length === 0 && (
        <Text size="sm" c="dimmed">
          {none}
        </Text>
      )}
      {pems.map((pem, i) => (
        <Paper key={pem} withBorder p="sm" id={fieldId(`${path}[${i}]`)} tabIndex={-1}>
          <Stack gap="xs">
            {faults.has(`${path}[${i}]`) && <Fault text={faults.get(`${path}[${i}]`)!} />}
            <One connector={connector} pem={pem} />
            {!readOnly && (
              <Group justify="space-between">
                <Text size="xs" c="dimmed">
                  {base[path].includes(pem) ? '' : 'Not saved yet'}
                </Text>
                <Button
                  size="compact-sm"
                  variant="default"
                  aria-label={`Remove ${nameIn(client, connector, pem) ?? `entry ${i + 1}`}`}
                  onClick={() => set(pems.filter((other) => other !== pem))}
                >
                  Remove
                </Button>
              </Group>
            )}
          </Stack>
        </Paper>
      ))}
    </Stack>
  );
}

function Fault({ text }: { readonly text: string }) {
  return (
    <Text size="sm" c="var(--mantine-color-error)">
      {text}
    </Text>
  );
}
