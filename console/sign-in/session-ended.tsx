/** Opens a session that has ended once more, over the page, so that nothing that was typed there is lost. */
import { Modal, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { meQuery } from '../api/queries.ts';
import { setStatus } from '../api/status.ts';
import { SignInForm } from './form.tsx';

export function SessionEnded({ email }: { readonly email: string }) {
  const client = useQueryClient();
  return (
    <Modal
      opened
      onClose={() => {}}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      title="Your session has ended"
      centered
      zIndex={400}
    >
      <Stack>
        <Text size="sm">
          Sign in once more. What you typed is still on the page; a change that was refused just now has to be sent
          again.
        </Text>
        <SignInForm
          email={email}
          onSignedIn={(me) => {
            setStatus({ sessionEnded: false });
            client.setQueryData(meQuery.queryKey, me);
            void client.invalidateQueries();
          }}
        />
      </Stack>
    </Modal>
  );
}
