/** Tells that the server cannot be reached, looks whether it is back, and then lets every page ask again. */
import { Alert } from '@mantine/core';
import { IconPlugConnectedX } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { setStatus, useServerStatus } from '../api/status.ts';

/** ms between two looks. */
const LOOK = 2_000;

interface Props {
  readonly onBack?: () => void;
  /** Below what it stands, px: the header of the page. */
  readonly top?: number;
}

export function ConnectionLost({ onBack, top = 56 }: Props) {
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
      // In sight wherever the page is scrolled to and whatever is open, and nothing moves when it comes or goes.
      style={{ position: 'fixed', insetInline: 0, top, zIndex: 350 }}
      py={8}
      icon={<IconPlugConnectedX aria-hidden />}
      title="The server cannot be reached"
    >
      This page may be out of date. Trying again every 2 seconds; nothing you typed is lost.
    </Alert>
  );
}
