/** Makes an API key. */
import { Button, Group, Modal, Select, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { keysQuery } from '../account/queries.ts';
import { api, unwrap } from '../api/client.ts';
import type { Role } from '../api/types.ts';
import { ConnectorsField } from '../parts/connectors-field.tsx';
import { Failure } from '../parts/failure.tsx';
import { RoleField } from '../parts/role-field.tsx';
import { withProof } from '../proof/ask.ts';

const DAY = 86_400_000_000;
const ends = [
  { value: '30', label: 'In 30 days' },
  { value: '90', label: 'In 90 days' },
  { value: '365', label: 'In a year' },
  { value: 'never', label: 'Never' },
];

interface Props {
  readonly onClose: () => void;
  readonly onMade: (key: string) => void;
}

export function KeyDialog({ onClose, onMade }: Props) {
  const client = useQueryClient();
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [connectors, setConnectors] = useState<readonly string[] | null>([]);
  const [end, setEnd] = useState('90');
  const create = useMutation({
    mutationFn: () => {
      const expires = end === 'never' ? null : Date.now() * 1000 + Number(end) * DAY;
      const body = { name: name.trim(), role, connector: connectors?.[0] ?? null, expires };
      return withProof(() => unwrap(api.POST('/api:1/keys', { body })));
    },
    onSuccess: async ({ key }) => {
      onClose();
      onMade(key);
      await client.invalidateQueries(keysQuery);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <Modal opened onClose={onClose} title="New API key" centered closeOnClickOutside={false}>
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label="Name"
            description="The program or line that uses it, for example"
            required
            maxLength={100}
            data-autofocus
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <RoleField value={role} onChange={setRole} />
          <ConnectorsField single value={connectors} onChange={setConnectors} />
          <Select
            label="Ends"
            data={ends}
            allowDeselect={false}
            value={end}
            onChange={(value) => setEnd(value ?? '90')}
          />
          {create.error && <Failure error={create.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button
              type="submit"
              loading={create.isPending}
              disabled={name.trim() === '' || (connectors !== null && connectors.length === 0)}
            >
              Create
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
