/** Says what went wrong, what to do about it, and offers to try again. */
import { Alert, Button, Code, Group, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { ApiFailure, explain, isSessionEnd, isSignInFailure, titleOf } from '../api/failure.ts';
import { useServerStatus } from '../api/status.ts';

interface Props {
  readonly error: unknown;
  readonly onRetry?: () => void;
}

export function Failure({ error, onRetry }: Props) {
  const { sessionEnded } = useServerStatus();
  const ofSession = isSessionEnd(error);
  // The dialog over the page asks to sign in: nothing else is to be read until then.
  if (ofSession && sessionEnded) return null;
  const telling = error instanceof ApiFailure && !ofSession && !isSignInFailure(error);
  return (
    <Alert
      color={ofSession ? 'blue' : 'red'}
      variant="light"
      icon={<IconAlertTriangle aria-hidden />}
      title={titleOf(error)}
      role="alert"
    >
      <Text size="sm">{explain(error)}</Text>
      <Group mt="xs" gap="sm">
        {onRetry && (
          <Button size="xs" variant="default" onClick={onRetry}>
            Try again
          </Button>
        )}
        {telling && <Code>{error.code}</Code>}
      </Group>
    </Alert>
  );
}
