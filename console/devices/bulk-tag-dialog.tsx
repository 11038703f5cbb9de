/** Sets a tag on the selected devices, or takes it away. */
import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { type BulkAction, tagAction } from './bulk-actions.ts';
import { countDevices } from './paging.ts';
import { TagFields } from './tag-fields.tsx';
import { tagFault } from './tag-rows.ts';

interface Props {
  readonly connector: string;
  readonly count: number;
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly onRun: (action: BulkAction) => void;
}

export function BulkTagDialog({ count, opened, onClose, ...rest }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title={`Tag ${countDevices(count)}`} centered>
      <TagForm onClose={onClose} {...rest} />
    </Modal>
  );
}

function TagForm({ connector, onClose, onRun }: Omit<Props, 'count' | 'opened'>) {
  const [tag, setTag] = useState({ name: '', value: '' });
  const fault = tagFault(tag);
  const ready = tag.name !== '' && fault === null;
  const run = (values: readonly string[]) => {
    onClose();
    onRun(tagAction(tag.name, values));
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) run([tag.value]);
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <TagFields connector={connector} {...tag} onChange={setTag} error={fault} autoFocus />
        <Text size="sm" c="dimmed">
          The value takes the place of those that this tag has on these devices. Their other tags stay.
        </Text>
        <Group justify="space-between">
          <Button variant="subtle" color="red" disabled={!ready} onClick={() => run([])}>
            Remove the tag
          </Button>
          <Group gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" disabled={!ready}>
              Set the tag
            </Button>
          </Group>
        </Group>
      </Stack>
    </form>
  );
}
