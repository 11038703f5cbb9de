/** A secret that is shown this once, to be copied before the dialog is closed. */
import { Alert, Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { CopyButton } from './copy-button.tsx';

interface Props {
  readonly title: string;
  /** What it is called: names the copy button. */
  readonly label: string;
  readonly secret: string;
  readonly children: ReactNode;
  readonly onClose: () => void;
}

export function ShownOnce({ title, label, secret, children, onClose }: Props) {
  return (
    <Modal opened onClose={onClose} title={title} centered closeOnClickOutside={false}>
      <Stack>
        <Alert color="yellow" variant="light">
          This is shown once. Copy it now.
        </Alert>
        <Text size="sm" component="div">
          {children}
        </Text>
        <Group gap="xs" wrap="nowrap" align="flex-end">
          <TextInput
            label={label}
            readOnly
            value={secret}
            style={{ flex: 1 }}
            classNames={{ input: 'mono' }}
            onFocus={(event) => event.currentTarget.select()}
          />
          <CopyButton value={secret} label={label} />
        </Group>
        <Group justify="flex-end">
          <Button onClick={onClose}>Done</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
