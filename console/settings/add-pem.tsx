/** Takes a PEM text, shows what it says, and only then hands it to the form. */
import { Alert, Button, FileButton, Group, Modal, Paper, Stack, Text, Textarea } from '@mantine/core';
import { IconAlertTriangle, IconUpload } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Failure } from '../parts/failure.tsx';
import { Certificate, RevocationList } from './decoded.tsx';
import { useField } from './editor.ts';
import { blocksIn, holdsPrivateKey } from './pem.ts';
import { certificateQuery, crlQuery } from './queries.ts';

interface Props {
  readonly connector: string;
  readonly kind: 'ca' | 'crl';
  readonly opened: boolean;
  readonly onClose: () => void;
}

const kinds = {
  ca: {
    path: 'pki.client_ca',
    label: 'CERTIFICATE',
    title: 'Add a CA certificate',
    what: 'certificate',
    one: Certificate,
  },
  crl: {
    path: 'pki.crl',
    label: 'X509 CRL',
    title: 'Add a revocation list',
    what: 'revocation list',
    one: RevocationList,
  },
} as const;

/** Begins anew each time it is opened, unless something was typed and not submitted. */
export function AddPem({ connector, kind, opened, onClose }: Props) {
  const { path, label, title, what, one: One } = kinds[kind];
  const client = useQueryClient();
  const { value: present, set } = useField(path);
  const [text, setText] = useState('');
  const decode = useMutation({
    mutationFn: async (given: string) => {
      const pems = blocksIn(given, label);
      // One after the other, so that the first fault is that of the first block.
      let fit = true;
      for (const pem of pems) {
        if (kind === 'crl') await client.fetchQuery({ ...crlQuery(connector, pem), retry: false });
        else if (!(await client.fetchQuery({ ...certificateQuery(connector, pem), retry: false })).is_ca) fit = false;
      }
      return { pems, fit };
    },
  });
  const change = (given: string) => {
    setText(given);
    decode.reset();
  };
  const secret = holdsPrivateKey(text);
  const decoded = decode.data;
  const fresh = decoded?.pems.filter((pem) => !present.includes(pem)) ?? [];
  const submit = () => {
    set([...present, ...fresh]);
    change('');
    onClose();
  };
  return (
    <Modal opened={opened} onClose={onClose} title={title} size="lg" centered>
      <Stack>
        <Textarea
          label={`PEM of the ${what}`}
          description={`Begins with -----BEGIN ${label}-----; several one below the other are fine`}
          data-autofocus
          autosize
          minRows={6}
          maxRows={12}
          spellCheck={false}
          styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
          value={text}
          onChange={(event) => change(event.currentTarget.value)}
        />
        <Group justify="space-between">
          <FileButton
            accept=".pem,.crt,.cer,.crl,.txt"
            inputProps={{ 'aria-label': `File with the ${what}`, tabIndex: -1 }}
            onChange={(file) => void file?.text().then(change)}
          >
            {(props) => (
              <Button {...props} variant="default" leftSection={<IconUpload size={16} aria-hidden />}>
                Choose a file
              </Button>
            )}
          </FileButton>
          <Button
            variant={decoded === undefined ? 'filled' : 'default'}
            loading={decode.isPending}
            disabled={text.trim() === '' || secret}
            onClick={() => decode.mutate(text)}
          >
            DECODE
          </Button>
        </Group>
        {secret && (
          <Alert
            color="red"
            variant="light"
            role="alert"
            icon={<IconAlertTriangle aria-hidden />}
            title="This holds a private key"
          >
            Nothing was sent. Remove the private key: the server needs only the {what}.
          </Alert>
        )}
        {decode.error && <Failure error={decode.error} />}
        {decoded && (
          <Stack gap="xs" role="status">
            {decoded.pems.map((pem) => (
              <Paper key={pem} withBorder p="sm">
                <One connector={connector} pem={pem} />
                {present.includes(pem) && (
                  <Text size="sm" c="dimmed" mt="xs">
                    This one is already in the form.
                  </Text>
                )}
              </Paper>
            ))}
          </Stack>
        )}
        <Text size="sm" c="dimmed">
          {decoded
            ? 'SUBMIT adds it to the form; it takes effect when you save the settings with SAVE.'
            : 'DECODE shows what it contains before you add it.'}
        </Text>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button disabled={!decoded?.fit || fresh.length === 0} onClick={submit}>
            SUBMIT
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
