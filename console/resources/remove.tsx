/** Asks before a resource is removed, and says what stays. */
import { Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { Confirm } from '../parts/confirm.tsx';
import { type Resources, resourceOf } from './change.ts';
import { ClashAlert } from './clash.tsx';
import { Clash, useSaveResources } from './save.ts';

interface Props {
  readonly connector: string;
  readonly resources: Resources;
  readonly alias: string;
  readonly onClose: () => void;
}

export function RemoveResource({ connector, resources, alias, onClose }: Props) {
  // What is removed is what the person has seen.
  const [base] = useState(() => resourceOf(resources, alias));
  const save = useSaveResources(connector);
  const clash = save.error instanceof Clash ? save.error.changes[0] : undefined;
  const remove = (from = base) =>
    save.mutate([{ alias, from, to: null }], {
      onSuccess: () => {
        notifications.show({ color: 'teal', title: 'Resource removed', message: alias });
        onClose();
      },
    });
  return (
    <Confirm
      opened
      title="Remove the resource?"
      action="Remove"
      busy={save.isPending}
      disabled={clash !== undefined}
      error={clash === undefined ? save.error : undefined}
      onConfirm={() => remove()}
      onClose={onClose}
    >
      <Text size="sm">
        <b className="mono">{alias}</b> is no longer shown with the devices, and can no longer be set. What devices
        write to it is still logged, but not stored any more. The history that is there stays; it shows again as soon as
        the alias is defined again.
      </Text>
      {clash !== undefined && <ClashAlert change={clash} onTheirs={onClose} onMine={() => remove(clash.from)} />}
    </Confirm>
  );
}
