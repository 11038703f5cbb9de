/** A second factor for the own account: turned on with an authenticator app, its recovery codes shown once, turned off. */
import { Alert, Badge, Button, Group, Modal, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, unwrap } from '../api/client.ts';
import { meQuery } from '../api/queries.ts';
import type { Me } from '../api/types.ts';
import { Confirm } from '../parts/confirm.tsx';
import { CopyButton } from '../parts/copy-button.tsx';
import { Failure } from '../parts/failure.tsx';
import { withProof } from '../proof/ask.ts';
import { qrPath } from './qr.ts';

const path = '/api:1/users/me/second-factor';

export function SecondFactor({ me }: { readonly me: Me }) {
  const client = useQueryClient();
  const [removing, setRemoving] = useState(false);
  const begin = useMutation({ mutationFn: () => withProof(() => unwrap(api.POST(path))) });
  const remove = useMutation({
    mutationFn: () => withProof(() => unwrap(api.DELETE(path))),
    onSuccess: async () => {
      setRemoving(false);
      notifications.show({
        color: 'teal',
        title: 'Second factor turned off',
        message: 'A sign-in needs no code any more.',
      });
      await client.invalidateQueries(meQuery);
    },
  });
  return (
    <Paper withBorder p="md" className="card">
      <Stack>
        <Group justify="space-between">
          <Title order={2} size="h4">
            Second factor
          </Title>
          {me.second_factor && <Badge variant="light">On</Badge>}
        </Group>
        <Text size="sm">
          {me.second_factor
            ? 'A sign-in needs a code of your authenticator app beside the password.'
            : 'With a second factor a sign-in needs a code of an app on your telephone beside the password: a stolen password alone lets nobody in.'}
        </Text>
        {begin.error && <Failure error={begin.error} />}
        <Group>
          {me.second_factor ? (
            <Button variant="default" onClick={() => setRemoving(true)}>
              Turn off
            </Button>
          ) : (
            <Button variant="default" loading={begin.isPending} onClick={() => begin.mutate()}>
              Turn on
            </Button>
          )}
        </Group>
      </Stack>
      {begin.data && <Enrol enrolment={begin.data} onClose={begin.reset} />}
      <Confirm
        opened={removing}
        title="Turn the second factor off?"
        action="Turn off"
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate()}
        onClose={() => setRemoving(false)}
      >
        <Text size="sm">The password alone will let in whoever knows it. The recovery codes are good no more.</Text>
      </Confirm>
    </Paper>
  );
}

interface EnrolProps {
  readonly enrolment: { readonly secret: string; readonly uri: string; readonly enrolment: string };
  readonly onClose: () => void;
}

function Enrol({ enrolment: { secret, uri, enrolment }, onClose }: EnrolProps) {
  const client = useQueryClient();
  const [code, setCode] = useState('');
  const confirm = useMutation({
    mutationFn: () => withProof(() => unwrap(api.PUT(path, { body: { enrolment, code } }))),
  });
  const done = async () => {
    onClose();
    await client.invalidateQueries(meQuery);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    confirm.mutate();
  };
  if (confirm.data) return <RecoveryCodes codes={confirm.data.recovery_codes} onClose={() => void done()} />;
  return (
    <Modal opened onClose={onClose} title="Turn the second factor on" centered closeOnClickOutside={false}>
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm">Scan this with an authenticator app, or type the secret there.</Text>
          <QrCode text={uri} />
          <Group gap={4} wrap="nowrap" justify="center">
            <Text size="sm" className="mono" data-testid="secret">
              {secret.match(/.{1,4}/g)?.join(' ')}
            </Text>
            <CopyButton value={secret} label="the secret" />
          </Group>
          <TextInput
            label="Code"
            description="Six digits that the app shows now"
            autoComplete="one-time-code"
            inputMode="numeric"
            required
            data-autofocus
            value={code}
            onChange={(event) => setCode(event.currentTarget.value)}
          />
          {confirm.error && <Failure error={confirm.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={confirm.isPending}>
              Turn on
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

/** Black on white in either colour scheme: not every reader takes it the other way round. */
function QrCode({ text }: { readonly text: string }) {
  const { path, size } = qrPath(text);
  return (
    <svg
      viewBox={`0 0 ${size} ${size}`}
      width={200}
      height={200}
      role="img"
      aria-label="QR code of the secret"
      shapeRendering="crispEdges"
      style={{ margin: '0 auto' }}
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}

function RecoveryCodes({ codes, onClose }: { readonly codes: readonly string[]; readonly onClose: () => void }) {
  return (
    <Modal opened onClose={onClose} title="Your recovery codes" centered closeOnClickOutside={false}>
      <Stack>
        <Alert color="yellow" variant="light">
          Keep these where you find them without your telephone. Each signs you in once in place of a code. They are
          shown this once.
        </Alert>
        <Group justify="space-between" align="flex-start" wrap="nowrap">
          <ul aria-label="Recovery codes" className="mono">
            {codes.map((code) => (
              <li key={code}>{code}</li>
            ))}
          </ul>
          <CopyButton value={codes.join('\n')} label="the recovery codes" />
        </Group>
        <Group justify="flex-end">
          <Button onClick={onClose}>I have kept them</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
