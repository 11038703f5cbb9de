/** Asks for devices with a tag: its name and its value. */
import { Button, Popover, Stack } from '@mantine/core';
import { IconChevronDown } from '@tabler/icons-react';
import { type FormEvent, useState } from 'react';
import { tagFilter } from './filter.ts';
import { TagFields } from './tag-fields.tsx';

interface Props {
  readonly connector: string;
  /** How many are asked for already. */
  readonly count: number;
  readonly onAdd: (tag: string) => void;
}

const none = { name: '', value: '' };

export function TagFilter({ connector, count, onAdd }: Props) {
  const [opened, setOpened] = useState(false);
  const [tag, setTag] = useState(none);
  const asked = tag.name === '' ? null : tagFilter(tag.name, tag.value);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (asked === null) return;
    onAdd(asked);
    setTag(none);
    setOpened(false);
  };
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-start" width={340} shadow="md" trapFocus returnFocus>
      <Popover.Target>
        <Button
          variant={count === 0 ? 'default' : 'light'}
          fw={500}
          px="sm"
          rightSection={<IconChevronDown size={14} aria-hidden />}
          onClick={() => setOpened(!opened)}
        >
          {count === 0 ? 'Tag' : `Tag: ${count}`}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label="Filter by tag">
        <form onSubmit={submit}>
          <Stack gap="sm">
            <TagFields
              connector={connector}
              {...tag}
              onChange={setTag}
              autoFocus
              within
              error={tag.name.includes(':') ? 'A name with a colon cannot be searched for' : null}
            />
            <Button type="submit" size="sm" disabled={asked === null}>
              Show devices with this tag
            </Button>
          </Stack>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}
