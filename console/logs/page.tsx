/** Connector › Logs: the events of a connector as they happen. */
import { Group, Paper, Skeleton, Stack, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useCallback, useEffect, useRef, useState } from 'react';
import { settingsQuery } from '../api/queries.ts';
import { Failure } from '../parts/failure.tsx';
import { Bar } from './bar.tsx';
import { HowToProvision, NothingFits, NothingYet } from './empty.tsx';
import { IdentityFilter } from './identity-filter.tsx';
import { Lines } from './list.tsx';
import type { LiveState } from './live.ts';
import type { LogSearch } from './search.ts';
import { TypeFilter } from './type-filter.tsx';
import { useLiveLog } from './use-live-log.ts';
import { useReading } from './use-reading.ts';

const route = '/connectors/$connector/logs';

export function LogsPage() {
  const { connector } = useParams({ from: route });
  const search = useSearch({ from: route });
  const navigate = useNavigate({ from: route });
  const { data: settings } = useQuery(settingsQuery(connector));
  const [state, live] = useLiveLog(connector, search);
  const [paused, setPaused] = useState(false);
  const list = useRef<HTMLOListElement>(null);
  const { top, away, bind } = useReading();
  const { line } = search;

  const still = away || line !== undefined;
  const hold = paused || still;
  useEffect(() => live.hold(hold), [live, hold]);

  const change = useCallback(
    (given: Partial<LogSearch>, replace = true) =>
      navigate({ search: (now) => ({ ...now, ...given }), replace, resetScroll: false }),
    [navigate],
  );
  const opened = useRef(line);
  opened.current = line;
  const toggle = useCallback((seq: number) => change({ line: opened.current === seq ? undefined : seq }), [change]);
  const only = useCallback((identity: string) => change({ identity, line: undefined }, false), [change]);
  const toNewest = () => {
    change({ line: undefined });
    live.show();
    // Focus must not be lost with the button that was pressed.
    list.current?.focus({ preventScroll: true });
    window.scrollTo({ top: 0 });
  };

  const { log, error, connection } = state;
  const filtered = search.types !== undefined || search.identity !== undefined;
  const isEmpty = log !== null && log.lines.length + log.waiting.length === 0;
  const clear = () => change({ types: undefined, identity: undefined, line: undefined }, false);
  return (
    <Stack gap="sm">
      <Title order={2} className="visually-hidden">
        Logs
      </Title>
      <Group gap="xs">
        <TypeFilter
          types={search.types}
          usual={settings?.settings.events.types}
          onChange={(types) => change({ types, line: undefined }, false)}
        />
        <IdentityFilter identity={search.identity} onChange={(identity) => change({ identity, line: undefined })} />
      </Group>
      {error !== null && (log === null || connection === 'failed') && <Failure error={error} onRetry={live.wake} />}
      <Paper withBorder className="card" {...bind}>
        <div ref={top} />
        <Bar
          state={state}
          paused={paused}
          still={still}
          onPause={() => setPaused(true)}
          onResume={() => setPaused(false)}
          onNewest={toNewest}
          onRetry={live.wake}
        />
        {log === null ? (
          <Waiting />
        ) : (
          <Lines
            connector={connector}
            state={state}
            listRef={list}
            line={line}
            moving={!hold}
            days={settings?.settings.retention.events_days}
            onToggle={toggle}
            onOnly={only}
            onOlder={() => void live.loadOlder()}
          />
        )}
        {filtered && isEmpty && <NothingFits onClear={clear} />}
        {!filtered && isEmpty && <NothingYet connector={connector} />}
        {!filtered && !isEmpty && log !== null && isQuiet(log) && <HowToProvision connector={connector} />}
      </Paper>
    </Stack>
  );
}

/** Nothing but what people did themselves: no device has been heard of yet. */
function isQuiet({ lines, mayLoadOlder }: NonNullable<LiveState['log']>): boolean {
  return !mayLoadOlder && lines.every(({ type }) => type === 'whitelisted' || type === 'deleted');
}

function Waiting() {
  return (
    <Stack gap={10} p="sm" aria-busy role="status" aria-label="Loading">
      {Array.from({ length: 12 }, (_, row) => (
        <Skeleton key={row} height={24} radius="sm" />
      ))}
    </Stack>
  );
}
