/** Moments as people read them: how long ago, with the exact time on hover and for machines. */
import { Text } from '@mantine/core';
import { useSyncExternalStore } from 'react';
import { formatAgo, formatExact } from './format-time.ts';

interface Props {
  /** µs since the epoch; null or undefined where it never happened. */
  readonly at: number | null | undefined;
  readonly never?: string;
}

/** Drawn anew this often, in ms. */
const TICK = 10_000;

const subscribers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let now = Date.now();

/** One clock for all of them: a list has two in each row. */
function subscribe(onTick: () => void): () => void {
  subscribers.add(onTick);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const subscriber of subscribers) subscriber();
  }, TICK);
  return () => {
    subscribers.delete(onTick);
    if (subscribers.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

export function Ago({ at, never = 'never' }: Props) {
  useSyncExternalStore(subscribe, () => now);
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
