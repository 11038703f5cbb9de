/** The secret of a webhook, which the server shows once. */
import { Alert, Button, Code, Group, Stack, Text } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import { CopyButton } from '../parts/copy-button.tsx';

interface Props {
  readonly value: string;
  readonly onClose: () => void;
}

export function Secret({ value, onClose }: Props) {
  return (
    <Stack>
      <Alert color="blue" variant="light" icon={<IconKey aria-hidden />} title="Its secret, shown this once">
        <Text size="sm">
          Your receiver needs it to check the signature of what it gets. Keep it where secrets are kept.
        </Text>
      </Alert>
      <Group gap="xs" wrap="nowrap">
        <Code style={{ overflowWrap: 'anywhere' }}>{value}</Code>
        <CopyButton value={value} label="secret" />
      </Group>
      <Group justify="flex-end">
        <Button onClick={onClose}>Done</Button>
      </Group>
    </Stack>
  );
}
