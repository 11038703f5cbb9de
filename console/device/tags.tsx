/** The tags of the device: added, changed and removed one by one. The device never sees them. */
import {
  ActionIcon,
  Button,
  CloseButton,
  Group,
  Stack,
  TagsInput,
  Text,
  TextInput,
  Tooltip,
  UnstyledButton,
} from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { checkTag } from '../../src/domain/import.ts';
import { api, unwrap } from '../api/client.ts';
import { deviceQuery } from '../api/queries.ts';
import { useMay } from '../api/role.ts';
import type { Identity } from '../api/types.ts';
import { Failure } from '../parts/failure.tsx';
import { Card } from './card.tsx';
import classes from './tags.module.css';

const path = '/api:1/service/{connector}/device2/identity/{identity}/tags/{name}';

interface Props {
  readonly connector: string;
  readonly identity: string;
  readonly tags: Identity['tags'];
}

export function Tags({ connector, identity, tags }: Props) {
  const may = useMay('operator');
  const client = useQueryClient();
  // The tag that is being changed; '' is a new one, null none.
  const [editing, setEditing] = useState<string | null>(null);
  const { queryKey } = deviceQuery(connector, identity);
  const refresh = async () => {
    await client.invalidateQueries({ queryKey });
    await client.invalidateQueries({ queryKey: ['devices', connector] });
  };
  const remove = useMutation({
    mutationFn: (name: string) => unwrap(api.DELETE(path, { params: { path: { connector, identity, name } } })),
    onSuccess: refresh,
  });
  const names = Object.keys(tags).sort();
  const add = may && editing === null && (
    <Tooltip label="Add a tag">
      <ActionIcon variant="default" aria-label="Add a tag" onClick={() => setEditing('')}>
        <IconPlus size={16} aria-hidden />
      </ActionIcon>
    </Tooltip>
  );
  return (
    <Card title="Tags" aside={add}>
      {names.length === 0 && editing === null && (
        <Text size="sm" c="dimmed">
          None. Tags group devices, for searches and for changes of many at once; a device never sees its own.
        </Text>
      )}
      {names.length > 0 && (
        <ul className={classes.list}>
          {names.map((name) => (
            <li key={name} className={classes.chip}>
              {may ? (
                <UnstyledButton className={classes.text} onClick={() => setEditing(name)}>
                  <span className="visually-hidden">Change tag </span>
                  <Tag name={name} values={tags[name]!} />
                </UnstyledButton>
              ) : (
                <span className={classes.text}>
                  <Tag name={name} values={tags[name]!} />
                </span>
              )}
              {may && (
                <CloseButton
                  size="sm"
                  aria-label={`Remove tag ${name}`}
                  disabled={remove.isPending}
                  onClick={() => remove.mutate(name)}
                />
              )}
            </li>
          ))}
        </ul>
      )}
      {remove.error && <Failure error={remove.error} />}
      {editing !== null && (
        <Editor
          key={editing}
          connector={connector}
          identity={identity}
          name={editing}
          values={tags[editing] ?? []}
          onSaved={async () => {
            await refresh();
            setEditing(null);
          }}
          onClose={() => setEditing(null)}
        />
      )}
    </Card>
  );
}

function Tag({ name, values }: { readonly name: string; readonly values: readonly string[] }) {
  return (
    <>
      <b>{name}</b>
      {`: ${values.map((value) => (value === '' ? '(empty)' : value)).join(', ')}`}
    </>
  );
}

interface EditorProps {
  readonly connector: string;
  readonly identity: string;
  /** Empty for a new tag. */
  readonly name: string;
  readonly values: readonly string[];
  readonly onSaved: () => Promise<void>;
  readonly onClose: () => void;
}

function Editor({ connector, identity, name: given, values: before, onSaved, onClose }: EditorProps) {
  const isNew = given === '';
  const [name, setName] = useState(given);
  const [values, setValues] = useState<string[]>([...before]);
  const [typed, setTyped] = useState('');
  const save = useMutation({
    mutationFn: (values: string[]) =>
      unwrap(api.PUT(path, { params: { path: { connector, identity, name } }, body: { values } })),
    onSuccess: onSaved,
  });
  // A value that was typed, but not confirmed by Enter, counts as well.
  const whole = [...new Set(typed.trim() === '' ? values : [...values, typed.trim()])];
  const fault =
    name === '' ? null : [...whole, ''].map((value) => checkTag(name, value)).find((fault) => fault !== null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name !== '' && whole.length > 0) save.mutate(whole);
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="xs">
        <TextInput
          label="Tag"
          size="sm"
          autoFocus={isNew}
          readOnly={!isNew}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <TagsInput
          label="Values"
          description="Enter after each"
          size="sm"
          autoFocus={!isNew}
          splitChars={[]}
          value={values}
          onChange={setValues}
          searchValue={typed}
          onSearchChange={setTyped}
          clearable={false}
          error={fault ? `Expected: ${fault.expected}` : undefined}
        />
        {save.error && <Failure error={save.error} />}
        <Group gap="xs">
          <Button type="submit" size="xs" loading={save.isPending} disabled={name === '' || whole.length === 0}>
            {isNew ? 'ADD' : 'SAVE'}
          </Button>
          <Button size="xs" variant="default" onClick={onClose}>
            Cancel
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
