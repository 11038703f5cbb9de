/** Tags of a device that is being added, as many as are wanted. */
import { ActionIcon, Button, Stack, Tooltip } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { TAGS_MAX } from '../../src/domain/import.ts';
import { TagFields } from './tag-fields.tsx';
import { type TagRow, tagFault } from './tag-rows.ts';

interface Props {
  readonly connector: string;
  readonly rows: readonly TagRow[];
  readonly onChange: (rows: readonly TagRow[]) => void;
}

export function TagsEditor({ connector, rows, onChange }: Props) {
  const add = () => onChange([...rows, { key: Math.max(0, ...rows.map(({ key }) => key)) + 1, name: '', value: '' }]);
  return (
    <Stack gap="xs" align="stretch">
      {rows.map((row, at) => (
        <TagFields
          key={row.key}
          connector={connector}
          prefix={rows.length === 1 ? 'Tag' : `Tag ${at + 1}`}
          name={row.name}
          value={row.value}
          error={tagFault(row)}
          onChange={(tag) => onChange(rows.map((other) => (other.key === row.key ? { ...other, ...tag } : other)))}
        >
          <Tooltip label="Remove this tag">
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              mt={24}
              aria-label={`Remove tag ${at + 1}`}
              onClick={() => onChange(rows.filter(({ key }) => key !== row.key))}
            >
              <IconTrash size={16} aria-hidden />
            </ActionIcon>
          </Tooltip>
        </TagFields>
      ))}
      <Button
        variant="subtle"
        size="compact-sm"
        style={{ alignSelf: 'flex-start' }}
        leftSection={<IconPlus size={14} aria-hidden />}
        disabled={rows.length >= TAGS_MAX}
        onClick={add}
      >
        Add a tag
      </Button>
    </Stack>
  );
}
