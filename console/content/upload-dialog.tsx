/** Sends a file in, and shows how far it is. Nothing of it is there until all of it is. */
import { Button, FileInput, Group, Modal, Progress, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconFile } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { formatBytes } from '../import/review.ts';
import { Failure } from '../parts/failure.tsx';
import { OfferFields } from './offer-fields.tsx';
import { forgetFiles } from './queries.ts';
import { type Sending, sendContent } from './send.ts';
import { faultOfName, nameFor, type OfferForm, offerFormOf, offerOf } from './words.ts';

interface Props {
  readonly connector: string;
  readonly onClose: () => void;
}

export function UploadDialog({ connector, onClose }: Props) {
  const [file, setFile] = useState<File | null>(null);
  const [id, setId] = useState('');
  const [meta, setMeta] = useState('');
  // Nobody gets what was sent by mistake.
  const [offer, setOffer] = useState<OfferForm>(() => offerFormOf('none'));
  const [tried, setTried] = useState(false);
  const { sent, error, send, stop } = useUpload(connector, onClose);
  const wanted = offerOf(offer);
  const fault = faultOfName(id);
  const choose = (chosen: File | null) => {
    setFile(chosen);
    if (chosen !== null) setId(nameFor(chosen.name));
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (file !== null && fault === null && wanted !== null) send({ file, id, meta, offer: wanted });
  };
  const busy = sent !== null;
  const cancel = () => {
    stop();
    onClose();
  };
  return (
    <Modal opened onClose={cancel} title="Upload a file" size="lg" closeOnClickOutside={false}>
      <form onSubmit={submit} noValidate>
        <Stack gap="sm">
          <FileInput
            label="File"
            placeholder="Choose a file"
            leftSection={<IconFile size={16} aria-hidden />}
            disabled={busy}
            value={file}
            error={tried && file === null ? 'Choose a file' : undefined}
            onChange={choose}
          />
          <TextInput
            label="Id"
            description="What devices ask for. A file of this id that is there already gets the new bytes."
            styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
            disabled={busy}
            maxLength={128}
            value={id}
            error={(tried || id !== '') && fault !== null ? fault : undefined}
            onChange={(event) => setId(event.currentTarget.value)}
          />
          <TextInput
            label="Meta"
            description="A line for the device to read, such as the version"
            disabled={busy}
            maxLength={1024}
            value={meta}
            onChange={(event) => setMeta(event.currentTarget.value)}
          />
          <OfferFields connector={connector} form={offer} disabled={busy} onChange={setOffer} />
          {busy && file !== null && <Sent sent={sent} size={file.size} />}
          {error !== null && <Failure error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={cancel}>
              Cancel
            </Button>
            <Button type="submit" loading={busy} disabled={wanted === null}>
              UPLOAD
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function Sent({ sent, size }: { readonly sent: number; readonly size: number }) {
  const value = size === 0 ? 100 : (sent / size) * 100;
  return (
    <Stack gap={6}>
      <Text size="sm">
        {sent < size
          ? `Sending: ${formatBytes(sent)} of ${formatBytes(size)}`
          : 'Sent; the server makes sure that it is stored'}
      </Text>
      <Progress.Root size="lg">
        <Progress.Section value={value} animated={sent >= size} striped={sent >= size} aria-label="Sent" />
      </Progress.Root>
    </Stack>
  );
}

/** `sent`: bytes that have left; null while nothing is being sent. */
function useUpload(connector: string, onDone: () => void) {
  const client = useQueryClient();
  const [sent, setSent] = useState<number | null>(null);
  const [error, setError] = useState<unknown>(null);
  const sending = useRef<Sending | null>(null);
  const stop = () => sending.current?.stop();
  useEffect(() => () => sending.current?.stop(), []);
  const send = (upload: Parameters<typeof sendContent>[1]) => {
    setError(null);
    setSent(0);
    sending.current = sendContent(connector, upload, setSent);
    sending.current.done.then(
      () => {
        notifications.show({ color: 'teal', title: 'File stored', message: upload.id });
        void forgetFiles(client, connector);
        onDone();
      },
      (failure: unknown) => {
        setSent(null);
        setError(failure);
      },
    );
  };
  return { sent, error, send, stop };
}
