/** A command as it can be pasted into a shell. */
import { Box, Group, Text } from '@mantine/core';
import classes from './command.module.css';
import { CopyButton } from './copy-button.tsx';

interface Props {
  /** What the command does: stands above it, and names the copy button. */
  readonly label: string;
  readonly command: string;
}

export function Command({ label, command }: Props) {
  return (
    <Box>
      <Group justify="space-between" gap="xs" wrap="nowrap">
        <Text size="sm">{label}</Text>
        <CopyButton value={command} label={label} />
      </Group>
      <pre className={classes.command}>{command}</pre>
    </Box>
  );
}
