/** Shows what somebody else has made of a definition meanwhile, and lets the person choose. */
import { Alert, Button, Group, Text } from '@mantine/core';
import { IconGitMerge } from '@tabler/icons-react';
import type { AliasChange } from './change.ts';
import { describe } from './describe.ts';

interface Props {
  readonly change: AliasChange;
  readonly onTheirs: () => void;
  readonly onMine: () => void;
}

export function ClashAlert({ change: { alias, from, to }, onTheirs, onMine }: Props) {
  return (
    <Alert
      color="orange"
      variant="light"
      role="alert"
      icon={<IconGitMerge aria-hidden />}
      title="Somebody else was faster"
    >
      <Text size="sm">
        {from === null ? (
          <>
            The resource <b className="mono">{alias}</b> has been removed in the meantime. Nothing was saved.
          </>
        ) : (
          <>
            The resource <b className="mono">{alias}</b> is now: {describe(from)}. Nothing was saved.
          </>
        )}
      </Text>
      <Group mt="xs" gap="xs">
        <Button size="xs" variant="default" onClick={onTheirs}>
          {from === null ? 'Leave it removed' : to === null ? 'Keep it' : 'Take theirs'}
        </Button>
        <Button size="xs" color="orange" variant="light" onClick={onMine}>
          {to === null ? 'Remove it anyway' : 'Save mine'}
        </Button>
      </Group>
    </Alert>
  );
}
