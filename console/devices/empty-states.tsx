/** What stands in place of the list where it has no rows. */
import { Button, Group } from '@mantine/core';
import { IconCpu, IconFileUpload, IconFilterOff, IconMoodEmpty, IconTag } from '@tabler/icons-react';
import { Empty } from '../parts/empty.tsx';
import type { DeviceSearch } from './search.ts';

interface NoDevicesProps {
  readonly mayChange: boolean;
  readonly onAdd: (way: NonNullable<DeviceSearch['add']>) => void;
}

export function NoDevices({ mayChange, onAdd }: NoDevicesProps) {
  const buttons = (
    <Group justify="center" gap="xs" mt="xs">
      <Button leftSection={<IconTag size={16} aria-hidden />} onClick={() => onAdd('one')}>
        Add one device
      </Button>
      <Button variant="default" leftSection={<IconFileUpload size={16} aria-hidden />} onClick={() => onAdd('many')}>
        Add many devices
      </Button>
    </Group>
  );
  return (
    <Empty icon={<IconCpu size={28} />} title="No device yet" action={mayChange && buttons}>
      Whitelist the identities of your devices: one by hand, or many with a CSV file. Each then has some time to
      provision itself, and is listed here from the start.
    </Empty>
  );
}

export function NoMatch({ onClear }: { readonly onClear: () => void }) {
  return (
    <Empty
      icon={<IconFilterOff size={28} />}
      title="No device fits these filters"
      action={
        <Button variant="light" mt="xs" onClick={onClear}>
          Clear filters
        </Button>
      }
    >
      Identities are compared exactly, small and capital letters too. With * the whole identity has to match: 00*, *-A.
    </Empty>
  );
}

/** A later page, all of whose devices have gone or moved to another. */
export function NothingHere({ onFirst }: { readonly onFirst: () => void }) {
  return (
    <Empty
      icon={<IconMoodEmpty size={28} />}
      title="There is nothing on this page any more"
      action={
        <Button variant="light" mt="xs" onClick={onFirst}>
          Go to the first page
        </Button>
      }
    >
      The devices that were here have been deleted or are on another page now.
    </Empty>
  );
}
