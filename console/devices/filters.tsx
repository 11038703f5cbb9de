/** All filters of the list, and those that are set as chips that can be taken away. */
import { Button, Group, ThemeIcon } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import type { Batch, Status } from '../api/types.ts';
import { allStatuses, statusLooks } from '../parts/status-icon.tsx';
import { type Chip, endsLabel, type Filter, filterOf, withFilter, withTag } from './filter.ts';
import { FilterMenu } from './filter-menu.tsx';
import { countDevices } from './paging.ts';
import { type DeviceSearch, endings } from './search.ts';
import { SearchField } from './search-field.tsx';
import { TagFilter } from './tag-filter.tsx';
import type { GoOptions } from './use-devices.ts';

interface Props {
  readonly connector: string;
  readonly search: DeviceSearch;
  readonly batches: readonly Batch[];
  readonly onGo: (search: DeviceSearch, options?: GoOptions) => void;
}

const statusChoices = allStatuses.map((status) => {
  const { icon, color, label, meaning } = statusLooks[status];
  const drawn = (
    <ThemeIcon variant="light" color={color} size="md" aria-hidden>
      {icon}
    </ThemeIcon>
  );
  return { value: status, label, meaning, icon: drawn };
});

const onlineChoices = [
  { value: 'yes', label: 'Online', meaning: 'Heard of within the last 5 minutes, or connected' },
  { value: 'no', label: 'Offline' },
];

const endsChoices = endings.map((days) => ({ value: String(days), label: endsLabel(days) }));

/** Older imports are reached by a click on the batch of a device. */
const BATCHES = 100;

export function Filters({ connector, search, batches, onGo }: Props) {
  const set = (change: Filter, options?: GoOptions) =>
    onGo(withFilter(search, { ...filterOf(search), ...change }), options);
  const kept = batches.filter(({ state }) => state !== 'undone');
  return (
    <Group gap="xs">
      <SearchField
        value={search.identity ?? ''}
        onChange={(text) => set({ identity: text === '' ? undefined : text }, { replace: true })}
      />
      <FilterMenu
        label="Status"
        title="Device status icons and their meanings"
        width={340}
        choices={statusChoices}
        value={search.status}
        onChange={(status) => set({ status: status as Status | undefined })}
      />
      <TagFilter connector={connector} count={search.tag?.length ?? 0} onAdd={(tag) => onGo(withTag(search, tag))} />
      <FilterMenu
        label="Online"
        choices={onlineChoices}
        value={search.online === undefined ? undefined : search.online ? 'yes' : 'no'}
        onChange={(online) => set({ online: online === undefined ? undefined : online === 'yes' })}
      />
      <FilterMenu
        label="Certificate"
        choices={endsChoices}
        value={search.ends === undefined ? undefined : String(search.ends)}
        onChange={(days) => set({ ends: days === undefined ? undefined : Number(days) })}
      />
      {(kept.length > 0 || search.batch !== undefined) && (
        <FilterMenu
          label="Batch"
          choices={kept.slice(0, BATCHES).map(({ id, name, count }) => ({
            value: id,
            label: name,
            meaning: countDevices(count),
          }))}
          value={search.batch}
          onChange={(batch) => set({ batch })}
        />
      )}
    </Group>
  );
}

interface ChipsProps {
  readonly chips: readonly Chip[];
  readonly onGo: (search: DeviceSearch) => void;
  readonly onClear: () => void;
}

export function Chips({ chips, onGo, onClear }: ChipsProps) {
  if (chips.length === 0) return null;
  return (
    <Group gap={6} role="group" aria-label="Filters that are set">
      {chips.map(({ label, without }) => (
        <Button
          key={label}
          size="compact-sm"
          variant="light"
          fw={500}
          maw="100%"
          rightSection={<IconX size={12} aria-hidden />}
          aria-label={`${label}, remove this filter`}
          onClick={() => onGo(without)}
        >
          {label}
        </Button>
      ))}
      <Button size="compact-sm" variant="subtle" fw={500} onClick={onClear}>
        Clear all
      </Button>
    </Group>
  );
}
