/** The password once more, before something that a stolen session must not do. */
import { Button, Group, Modal, PasswordInput, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, unwrap } from '../api/client.ts';
import type { Me } from '../api/types.ts';
import { CodeField } from '../parts/code-field.tsx';
import { Failure } from '../parts/failure.tsx';
import { providerAddress } from '../sign-in/provider.ts';
import { useAsked } from './ask.ts';

export function ProofDialog({ me }: { readonly me: Me }) {
  const asked = useAsked();
  return (
    <Modal opened={asked !== null} onClose={() => asked?.answer(false)} title="Is it you?" centered zIndex={300}>
      {asked !== null && (me.has_password ? <Password me={me} onDone={asked.answer} /> : <Provider />)}
    </Modal>
  );
}

function Password({ me, onDone }: { readonly me: Me; readonly onDone: (proven: boolean) => void }) {
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const prove = useMutation({
    mutationFn: () => {
      const body = { password, ...(me.second_factor && { code }) };
      return unwrap(api.POST('/api:1/session/proof', { body }));
    },
    onSuccess: () => onDone(true),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    // The form below this dialog is not meant.
    event.stopPropagation();
    prove.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm">This needs your password once more. For the next 15 minutes you will not be asked again.</Text>
        <PasswordInput
          label="Your password"
          autoComplete="current-password"
          required
          data-autofocus
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        {me.second_factor && <CodeField value={code} onChange={setCode} />}
        {prove.error && <Failure error={prove.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={() => onDone(false)}>
            Cancel
          </Button>
          <Button type="submit" loading={prove.isPending}>
            Continue
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Who has no password here shows it where it is known. */
function Provider() {
  return (
    <Stack>
      <Text size="sm">
        This needs you to sign in once more where your account is. You come back to this page; then do it again.
      </Text>
      <Group justify="flex-end">
        <Button component="a" href={providerAddress(true)}>
          Sign in once more
        </Button>
      </Group>
    </Stack>
  );
}
