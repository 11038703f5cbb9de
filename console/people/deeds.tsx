/** What else is done to an account: a new link, its sessions, its second factor, its end. */
import { Button, Group, Modal, Skeleton, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { sessionsOfQuery, usersQuery } from '../account/queries.ts';
import { SessionTable } from '../account/sessions.tsx';
import { api, unwrap } from '../api/client.ts';
import type { User } from '../api/types.ts';
import { Confirm } from '../parts/confirm.tsx';
import { Failure } from '../parts/failure.tsx';
import { withProof } from '../proof/ask.ts';

export type Deed = 'link' | 'sessions' | 'factor' | 'remove';

interface Props {
  readonly kind: Deed;
  readonly user: User;
  readonly onClose: () => void;
  readonly onLink: (link: string) => void;
}

const texts = {
  link: {
    title: 'A new link to set a password?',
    action: 'Make a link',
    color: 'harbour',
    text: 'A link of before is good no more. The password of now stays until the new link is used.',
    done: 'Link made',
  },
  factor: {
    title: 'Remove the second factor?',
    action: 'Remove',
    color: 'red',
    text: 'For somebody who has lost the telephone and the recovery codes. Until a new one is set, the password alone lets in.',
    done: 'Second factor removed',
  },
  remove: {
    title: 'Remove this account?',
    action: 'Remove',
    color: 'red',
    text: 'It cannot sign in any more; its sessions end now. API keys that it made stay, and are listed under API keys.',
    done: 'Account removed',
  },
} as const;

export function DeedDialog({ kind, user, onClose, onLink }: Props) {
  if (kind === 'sessions') return <Sessions user={user} onClose={onClose} />;
  return <Asked kind={kind} user={user} onClose={onClose} onLink={onLink} />;
}

function Asked({ kind, user, onClose, onLink }: Props & { readonly kind: keyof typeof texts }) {
  const client = useQueryClient();
  const { title, action, color, text, done } = texts[kind];
  const params = { path: { user: user.id } };
  const calls = {
    link: async () => onLink((await unwrap(api.POST('/api:1/users/{user}/link', { params }))).link),
    factor: async () => void (await unwrap(api.DELETE('/api:1/users/{user}/second-factor', { params }))),
    remove: async () => void (await unwrap(api.DELETE('/api:1/users/{user}', { params }))),
  };
  const work = useMutation({
    mutationFn: () => withProof(calls[kind]),
    onSuccess: async () => {
      onClose();
      if (kind !== 'link') notifications.show({ color: 'teal', title: done, message: user.email });
      await client.invalidateQueries(usersQuery);
    },
  });
  return (
    <Confirm
      opened
      title={title}
      action={action}
      color={color}
      busy={work.isPending}
      error={work.error}
      onConfirm={() => work.mutate()}
      onClose={onClose}
    >
      <Text size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
        {user.email}
      </Text>
      <Text size="sm">{text}</Text>
    </Confirm>
  );
}

function Sessions({ user, onClose }: Pick<Props, 'user' | 'onClose'>) {
  const query = sessionsOfQuery(user.id);
  const client = useQueryClient();
  const { data, error } = useQuery(query);
  const end = useMutation({
    mutationFn: (session: string | null) => {
      if (session === null)
        return unwrap(api.DELETE('/api:1/users/{user}/sessions', { params: { path: { user: user.id } } }));
      const params = { path: { user: user.id, session } };
      return unwrap(api.DELETE('/api:1/users/{user}/sessions/{session}', { params }));
    },
    onSettled: () => client.invalidateQueries(query),
  });
  return (
    <Modal opened onClose={onClose} title={`Sessions of ${user.email}`} centered size="lg">
      <Stack>
        {error && !data && <Failure error={error} />}
        {!error && !data && <Skeleton height={60} />}
        {data && <SessionTable sessions={data.sessions} busy={end.isPending} onEnd={({ id }) => end.mutate(id)} />}
        {end.error && <Failure error={end.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Close
          </Button>
          <Button
            color="red"
            loading={end.isPending}
            disabled={!data || data.sessions.length === 0}
            onClick={() => end.mutate(null)}
          >
            End all
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
