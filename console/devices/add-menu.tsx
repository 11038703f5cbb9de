/** The button for new devices, and its two ways. */
import { Button, Menu } from '@mantine/core';
import { IconFileUpload, IconTag } from '@tabler/icons-react';
import type { RefObject } from 'react';
import type { DeviceSearch } from './search.ts';

interface Props {
  readonly button: RefObject<HTMLButtonElement | null>;
  readonly onAdd: (way: NonNullable<DeviceSearch['add']>) => void;
}

export function AddMenu({ button, onAdd }: Props) {
  return (
    <Menu withInitialFocusPlaceholder={false} position="bottom-end" width={220} shadow="md">
      <Menu.Target>
        <Button ref={button} flex="none">
          + NEW DEVICE(S)
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconTag size={16} aria-hidden />} onClick={() => onAdd('one')}>
          Add one device
        </Menu.Item>
        <Menu.Item leftSection={<IconFileUpload size={16} aria-hidden />} onClick={() => onAdd('many')}>
          Add many devices
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
