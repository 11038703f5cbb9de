/** Moments as people read them: how long ago, with the exact time on hover and for machines. */
import { Text } from '@mantine/core';
import { useEffect, useReducer } from 'react';
import { formatAgo, formatExact } from './format-time.ts';

interface Props {
  /** µs since the epoch; null or undefined where it never happened. */
  readonly at: number | null | undefined;
  readonly never?: string;
}

/** Drawn anew this often, in ms. */
const TICK = 10_000;

export function Ago({ at, never = 'never' }: Props) {
  const [, tick] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    const timer = setInterval(tick, TICK);
    return () => clearInterval(timer);
  }, []);
  if (at === null || at === undefined) {
    return (
      <Text span inherit c="dimmed">
        {never}
      </Text>
    );
  }
  return (
    // No Tooltip part: there are a hundred of these on a page.
    <time dateTime={new Date(at / 1000).toISOString()} title={formatExact(at)}>
      {formatAgo(at, Date.now() * 1000)}
    </time>
  );
}
