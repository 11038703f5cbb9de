/** Copies a text to the clipboard, and says that it did, to the eye and to a screen reader. */
import { ActionIcon, Tooltip } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { IconCheck, IconCopy } from '@tabler/icons-react';

interface Props {
  readonly value: string;
  /** What is copied, as in "Copy CONNECTOR-URL". */
  readonly label: string;
}

export function CopyButton({ value, label }: Props) {
  const clipboard = useClipboard({ timeout: 2000 });
  const said = clipboard.copied ? 'Copied' : clipboard.error ? 'The browser does not allow copying' : `Copy ${label}`;
  return (
    <Tooltip label={said}>
      <ActionIcon
        variant="subtle"
        color={clipboard.copied ? 'teal' : 'gray'}
        aria-label={`Copy ${label}`}
        onClick={() => clipboard.copy(value)}
      >
        {clipboard.copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
        <span className="visually-hidden" role="status">
          {clipboard.copied ? 'Copied' : ''}
        </span>
      </ActionIcon>
    </Tooltip>
  );
}
