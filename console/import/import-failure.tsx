/** Shows what went wrong with a file, and offers to try again where that may help. */
import { Alert, Button, Code, Group, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { tellFailure } from './failure-text.ts';

interface Props {
  readonly error: unknown;
  readonly fileName: string;
  readonly onRetry: () => void;
}

export function ImportFailure({ error, fileName, onRetry }: Props) {
  const { title, text, retry, code } = tellFailure(error, fileName);
  return (
    <Alert color="red" variant="light" icon={<IconAlertTriangle aria-hidden />} title={title} role="alert">
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
        {text}
      </Text>
      {(retry || code !== null) && (
        <Group mt="xs" gap="sm">
          {retry && (
            <Button size="xs" variant="default" onClick={onRetry}>
              Try again
            </Button>
          )}
          {code !== null && <Code>{code}</Code>}
        </Group>
      )}
    </Alert>
  );
}
