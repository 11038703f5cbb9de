/** Tells that the server cannot be reached, looks whether it is back, and then lets every page ask again. */
import { Alert } from '@mantine/core';
import { IconPlugConnectedX } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { setStatus, useServerStatus } from '../api/status.ts';

/** ms between two looks. */
const LOOK = 2_000;

export function ConnectionLost({ onBack }: { readonly onBack?: () => void }) {
  const { reachable } = useServerStatus();
  const client = useQueryClient();
  useEffect(() => {
    if (reachable) return;
    const timer = setInterval(async () => {
      const answer = await fetch('/healthz').catch(() => null);
      if (!answer?.ok) return;
      setStatus({ reachable: true });
      onBack?.();
      await client.invalidateQueries();
    }, LOOK);
    return () => clearInterval(timer);
  }, [reachable, client, onBack]);
  if (reachable) return null;
  return (
    <Alert
      color="orange"
      variant="filled"
      radius={0}
      role="status"
      icon={<IconPlugConnectedX aria-hidden />}
      title="The server cannot be reached"
    >
      What is on the screen may be out of date. Trying again every 2 seconds; nothing that you typed is lost.
    </Alert>
  );
}
