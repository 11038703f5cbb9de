/** Makes an account, or changes one. Without a password the answer is a link by which that person sets one. */
import { Alert, Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { usersQuery } from '../account/queries.ts';
import { api, unwrap } from '../api/client.ts';
import { meQuery } from '../api/queries.ts';
import type { Role, User } from '../api/types.ts';
import { ConnectorsField } from '../parts/connectors-field.tsx';
import { Failure } from '../parts/failure.tsx';
import { RoleField } from '../parts/role-field.tsx';
import { withProof } from '../proof/ask.ts';

interface Props {
  /** Null to make one. */
  readonly user: User | null;
  readonly onClose: () => void;
  readonly onLink: (email: string, link: string) => void;
}

export function UserDialog({ user, onClose, onLink }: Props) {
  const client = useQueryClient();
  const [email, setEmail] = useState(user?.email ?? '');
  const [role, setRole] = useState<Role>(user?.role ?? 'viewer');
  const [connectors, setConnectors] = useState<readonly string[] | null>(user === null ? [] : user.connectors);
  const cuts = user !== null && (role !== user.role || String(connectors) !== String(user.connectors));
  const save = useMutation({
    mutationFn: async (): Promise<string | undefined> => {
      const body = { email: email.trim(), role, connectors: connectors === null ? null : [...connectors] };
      if (user === null) return (await withProof(() => unwrap(api.POST('/api:1/users', { body })))).link;
      const params = { path: { user: user.id } };
      await withProof(() => unwrap(api.PATCH('/api:1/users/{user}', { params, body })));
      return undefined;
    },
    onSuccess: async (link) => {
      onClose();
      if (link !== undefined) onLink(email.trim(), link);
      else notifications.show({ color: 'teal', title: 'Saved', message: email });
      await Promise.all([client.invalidateQueries(usersQuery), client.invalidateQueries(meQuery)]);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title={user === null ? 'Add a person' : `Change ${user.email}`}
      centered
      closeOnClickOutside={false}
    >
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label="Email"
            type="email"
            required
            maxLength={320}
            data-autofocus
            disabled={user?.provided}
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
          />
          <RoleField value={role} onChange={setRole} disabled={user?.provided} />
          <ConnectorsField value={connectors} onChange={setConnectors} />
          {user?.provided && <Alert variant="light">Email and role are what the OpenID provider says.</Alert>}
          {cuts && <Alert variant="light">The sessions of this account end, and what it has open.</Alert>}
          {save.error && <Failure error={save.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={save.isPending} disabled={connectors?.length === 0}>
              {user === null ? 'Add' : 'Save'}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
