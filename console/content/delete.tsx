/** Asks before a file is deleted, and says what that means for devices. */
import { Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Confirm } from '../parts/confirm.tsx';
import { deleteFile, forgetFiles } from './queries.ts';

interface Props {
  readonly connector: string;
  readonly id: string;
  readonly onClose: () => void;
}

export function DeleteFile({ connector, id, onClose }: Props) {
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: () => deleteFile(connector, id),
    onSuccess: () => {
      notifications.show({ color: 'teal', title: 'File deleted', message: id });
      onClose();
      void forgetFiles(client, connector);
    },
  });
  return (
    <Confirm
      opened
      title="Delete the file?"
      action="Delete"
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <Text size="sm">
        <b className="mono">{id}</b> can no longer be fetched, and it is forgotten who has fetched it. Devices that have
        it keep it. This cannot be undone.
      </Text>
    </Confirm>
  );
}
