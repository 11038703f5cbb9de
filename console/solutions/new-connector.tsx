/** Makes a connector and goes to it. */
import { Button, Group, Modal, Stack, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { api, unwrap } from '../api/client.ts';
import { connectorsQuery } from '../api/queries.ts';
import { Failure } from '../parts/failure.tsx';

interface Props {
  readonly opened: boolean;
  readonly onClose: () => void;
}

export function NewConnector({ opened, onClose }: Props) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const create = useMutation({
    mutationFn: () => unwrap(api.POST('/api:1/connectors', { body: { name: name.trim(), description } })),
    onSuccess: async ({ id }) => {
      await client.invalidateQueries(connectorsQuery);
      onClose();
      await navigate({ to: '/connectors/$connector/settings', params: { connector: id } });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <Modal opened={opened} onClose={onClose} title="New connector" centered>
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label="Name"
            description="The product, for example"
            required
            maxLength={128}
            data-autofocus
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Textarea
            label="Description"
            maxLength={2000}
            autosize
            minRows={2}
            value={description}
            onChange={(event) => setDescription(event.currentTarget.value)}
          />
          {create.error && <Failure error={create.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={create.isPending} disabled={name.trim() === ''}>
              Create
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
