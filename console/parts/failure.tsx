/** Says what went wrong, what to do about it, and offers to try again. */
import { Alert, Button, Code, Group, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { ApiFailure, explain, titleOf } from '../api/failure.ts';

interface Props {
  readonly error: unknown;
  readonly onRetry?: () => void;
}

export function Failure({ error, onRetry }: Props) {
  return (
    <Alert color="red" variant="light" icon={<IconAlertTriangle aria-hidden />} title={titleOf(error)} role="alert">
      <Text size="sm">{explain(error)}</Text>
      <Group mt="xs" gap="sm">
        {onRetry && (
          <Button size="xs" variant="default" onClick={onRetry}>
            Try again
          </Button>
        )}
        {error instanceof ApiFailure && <Code>{error.code}</Code>}
      </Group>
    </Alert>
  );
}
