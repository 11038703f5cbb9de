/** The first step: which file. By button, or dropped; with what the file has to look like, and one to begin with. */
import { Button, Code, Group, Stack, Text } from '@mantine/core';
import { IconDownload, IconFileText, IconFileUpload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { type DragEvent, useEffect, useRef, useState } from 'react';
import { describeFormat } from '../../src/domain/identity.ts';
import { settingsQuery } from '../api/queries.ts';
import classes from './import.module.css';
import { formatBytes } from './review.ts';
import { sampleFile } from './sample.ts';
import type { ChosenFile } from './state.ts';

interface Props {
  readonly connector: string;
  readonly file: ChosenFile | null;
  readonly disabled: boolean;
  readonly onChoose: (files: readonly File[]) => void;
}

export function ChooseFile({ connector, file, disabled, onChoose }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const [over, setOver] = useState(false);
  // Also where this comes back for another file.
  useEffect(() => button.current?.focus(), []);
  useMissedDrops();
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    if (!disabled) onChoose([...event.dataTransfer.files]);
  };
  const drag = (event: DragEvent) => {
    event.preventDefault();
    setOver(!disabled);
  };
  return (
    <Stack gap="md">
      {/* For the mouse alone: the button in it does the same by keyboard. */}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: see above */}
      <div
        className={classes.drop}
        data-over={over || undefined}
        data-chosen={file !== null || undefined}
        onDragOver={drag}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <input
          ref={input}
          type="file"
          accept=".csv,text/csv"
          hidden
          aria-label="CSV file"
          onChange={(event) => {
            const { files } = event.currentTarget;
            const chosen = [...(files ?? [])];
            // So that the same file can be chosen again after it was corrected.
            event.currentTarget.value = '';
            onChoose(chosen);
          }}
        />
        <Group gap="md">
          <Button
            ref={button}
            data-autofocus
            variant={file === null ? 'filled' : 'default'}
            leftSection={<IconFileUpload size={18} aria-hidden />}
            disabled={disabled}
            onClick={() => input.current?.click()}
          >
            {file === null ? 'UPLOAD CSV' : 'Choose another file'}
          </Button>
          {file === null ? (
            <Text size="sm" c="dimmed">
              or drop the file here. It is checked first; nothing is written until you press ADD.
            </Text>
          ) : (
            <FileName file={file} />
          )}
        </Group>
      </div>
      {file === null && <Columns connector={connector} />}
    </Stack>
  );
}

/** A file that misses the area would make the browser leave the page for it. */
function useMissedDrops(): void {
  useEffect(() => {
    const keep = (event: Event) => event.preventDefault();
    window.addEventListener('dragover', keep);
    window.addEventListener('drop', keep);
    return () => {
      window.removeEventListener('dragover', keep);
      window.removeEventListener('drop', keep);
    };
  }, []);
}

function FileName({ file }: { readonly file: ChosenFile }) {
  return (
    <Group gap="xs" wrap="nowrap" style={{ flex: '1 1 200px', minWidth: 0 }}>
      <IconFileText size={20} aria-hidden style={{ flex: 'none' }} />
      <Text size="sm" fw={600} style={{ overflowWrap: 'anywhere' }} lineClamp={2}>
        {file.name}
      </Text>
      <Text size="sm" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
        {formatBytes(file.size)}
      </Text>
    </Group>
  );
}

function Columns({ connector }: { readonly connector: string }) {
  const { data } = useQuery(settingsQuery(connector));
  const format = data?.settings.identity_format;
  return (
    <Stack gap="sm">
      <Text size="sm">
        A text file in UTF-8 with commas between the fields. Its first row names the columns, in any order:
      </Text>
      <dl className={classes.columns}>
        <dt>ID</dt>
        <dd>The identity. {format !== undefined && describeFormat(format)}</dd>
        <dt>TLS Client Certificate</dt>
        <dd>
          May be left blank or left out. A certificate as PEM text whose common name is the ID: the device is then
          provisioned at once.
        </dd>
        <dt>Tags</dt>
        <dd>
          May be left blank or left out. A JSON array such as <Code>{'[{"name": "group", "value": "g1"}]'}</Code>, in
          quotes, with each quote inside doubled.
        </dd>
      </dl>
      {format !== undefined && (
        <Group>
          <Button
            variant="light"
            size="xs"
            leftSection={<IconDownload size={16} aria-hidden />}
            onClick={() => download(sampleFile(format, randomBytes))}
          >
            Download identities.csv
          </Button>
          <Text size="sm" c="dimmed">
            A sample that fits this connector.
          </Text>
        </Group>
      )}
    </Stack>
  );
}

const randomBytes = (n: number) => crypto.getRandomValues(new Uint8Array(n));

function download(text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  Object.assign(document.createElement('a'), { href: url, download: 'identities.csv' }).click();
  setTimeout(() => URL.revokeObjectURL(url));
}
