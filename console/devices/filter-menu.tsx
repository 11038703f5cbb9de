/** A filter that is one of a few: a button that names what is chosen, and a menu of all there is to choose. */
import { Button, Group, Menu, Text } from '@mantine/core';
import { IconChevronDown } from '@tabler/icons-react';
import type { ReactNode } from 'react';

export interface Choice {
  readonly value: string;
  readonly label: string;
  readonly icon?: ReactNode;
  readonly meaning?: string;
}

interface Props {
  readonly label: string;
  readonly choices: readonly Choice[];
  readonly value: string | undefined;
  readonly onChange: (value: string | undefined) => void;
  readonly width?: number;
  /** Stands on top of the menu. */
  readonly title?: string;
}

/** Stands for no choice. */
const ANY = '';

export function FilterMenu({ label, choices, value, onChange, width = 260, title }: Props) {
  const chosen = choices.find((choice) => choice.value === value);
  const choose = (picked: string) => onChange(picked === ANY ? undefined : picked);
  return (
    <Menu withInitialFocusPlaceholder={false} position="bottom-start" width={width} shadow="md">
      <Menu.Target>
        <Button
          variant={value === undefined ? 'default' : 'light'}
          fw={500}
          px="sm"
          maw={220}
          rightSection={<IconChevronDown size={14} aria-hidden />}
        >
          {value === undefined ? label : `${label}: ${chosen?.label ?? value}`}
        </Button>
      </Menu.Target>
      <Menu.Dropdown mah={420} style={{ overflowY: 'auto' }}>
        {title !== undefined && <Menu.Label fz={12}>{title}</Menu.Label>}
        <Menu.RadioGroup value={value ?? ANY} onChange={choose}>
          <Menu.RadioItem value={ANY} closeMenuOnClick>
            Any
          </Menu.RadioItem>
          {choices.map((choice) => (
            <Menu.RadioItem key={choice.value} value={choice.value} closeMenuOnClick>
              <Group gap="sm" wrap="nowrap" align="flex-start">
                {choice.icon}
                <div style={{ minWidth: 0 }}>
                  <Text size="sm" truncate>
                    {choice.label}
                  </Text>
                  {choice.meaning !== undefined && (
                    <Text size="xs" c="dimmed">
                      {choice.meaning}
                    </Text>
                  )}
                </div>
              </Group>
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
      </Menu.Dropdown>
    </Menu>
  );
}
