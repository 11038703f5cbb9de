/** One resource over time: a chart that one drags over to look closer, or the same as a table. */
import { Button, Group, SegmentedControl, Select, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { IconChartLine } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { Failure } from '../parts/failure.tsx';
import { Drawing } from '../plot/plot.tsx';
import { Card } from './card.tsx';
import {
  DEFAULT_RANGE,
  describe,
  drawingOf,
  formatBucket,
  fromLocalInput,
  type History,
  PLOT_HEIGHT,
  spanOf,
  toLocalInput,
} from './history.ts';
import { HistoryTable } from './history-table.tsx';
import { historyQuery } from './queries.ts';
import { type DevicePageSearch, type Range, ranges } from './search.ts';
import type { ResourceRow } from './values.ts';

const here = '/connectors/$connector/devices/$identity';
const rangeNames: Readonly<Record<Range, string>> = {
  '1h': '1 h',
  '24h': '24 h',
  '7d': '7 days',
  '30d': '30 days',
  all: 'All',
  custom: 'Custom',
};

interface Props {
  readonly connector: string;
  readonly identity: string;
  readonly rows: readonly ResourceRow[] | undefined;
}

export function Chart({ connector, identity, rows }: Props) {
  const search = useSearch({ from: here });
  const navigate = useNavigate({ from: here });
  if (rows === undefined) {
    return (
      <Card title="Over time">
        <Skeleton height={PLOT_HEIGHT} radius="sm" role="status" aria-label="Loading" />
      </Card>
    );
  }
  const row =
    rows.find(({ alias }) => alias === search.alias) ?? rows.find(hasNumbers) ?? rows.find(isNumber) ?? rows[0];
  if (row === undefined) return null;
  const change = (next: Partial<DevicePageSearch>, replace = true) =>
    void navigate({ search: (before) => ({ ...before, ...next }), replace });
  const choose = (value: string) => {
    const range = value as Range;
    if (range !== 'custom')
      return change({ range: range === DEFAULT_RANGE ? undefined : range, from: undefined, to: undefined });
    const { from, to } = spanOf(search, Date.now() * 1000);
    change({ range, from: from || to - 24 * 3_600_000_000, to });
  };
  const toggle = (
    <SegmentedControl
      size="xs"
      aria-label="Show as"
      data={[
        { value: 'chart', label: 'Chart' },
        { value: 'table', label: 'Table' },
      ]}
      value={search.view ?? 'chart'}
      onChange={(value) => change({ view: value === 'table' ? 'table' : undefined })}
    />
  );
  return (
    <Card title="Over time" aside={toggle}>
      <Group gap="xs" align="flex-end">
        <Select
          label="Resource"
          data={rows.map(({ alias }) => alias)}
          value={row.alias}
          allowDeselect={false}
          searchable={rows.length > 10}
          limit={100}
          onChange={(alias) => change({ alias: alias ?? undefined })}
          flex={1}
          miw={160}
        />
        <SegmentedControl
          size="xs"
          aria-label="Time"
          style={{ flexWrap: 'wrap', maxWidth: '100%' }}
          data={ranges.map((value) => ({ value, label: rangeNames[value] }))}
          value={search.range ?? DEFAULT_RANGE}
          onChange={choose}
        />
      </Group>
      {search.range === 'custom' && (
        <Custom key={`${search.from} ${search.to}`} from={search.from!} to={search.to!} onChange={change} />
      )}
      <Shown connector={connector} identity={identity} row={row} search={search} onChange={change} />
    </Card>
  );
}

const isNumber = ({ resource }: ResourceRow) => resource?.format === 'number';
const hasNumbers = (row: ResourceRow) => row.reported !== null && isNumber(row);

interface ShownProps {
  readonly connector: string;
  readonly identity: string;
  readonly row: ResourceRow;
  readonly search: DevicePageSearch;
  readonly onChange: (next: Partial<DevicePageSearch>, replace?: boolean) => void;
}

function Shown({ connector, identity, row, search, onChange }: ShownProps) {
  const { alias, resource } = row;
  const query = historyQuery(connector, identity, alias, resource?.format, search);
  const { data, error, refetch } = useQuery(query);
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Skeleton height={PLOT_HEIGHT} radius="sm" role="status" aria-label="Loading" />;
  if (data.points.length === 0)
    return <NoData row={row} range={search.range} onAll={() => onChange({ range: 'all' })} />;
  const unit = resource?.unit ?? '';
  const asTable = search.view === 'table' || data.kind === 'text';
  return (
    <Stack gap={4}>
      {asTable ? (
        <HistoryTable alias={alias} unit={unit} history={data} />
      ) : (
        <Picture
          alias={alias}
          unit={unit}
          history={data}
          onZoom={(from, to) => onChange({ range: 'custom', from, to }, false)}
        />
      )}
      <Note history={data} asTable={asTable} />
    </Stack>
  );
}

interface PictureProps {
  readonly alias: string;
  readonly unit: string;
  readonly history: History;
  readonly onZoom: (from: number, to: number) => void;
}

/** Points are marked while there are few enough to tell apart. */
const MARKED = 80;
const flags = ['false', 'true'];

function Picture({ alias, unit, history, onZoom }: PictureProps) {
  const { times, series } = useMemo(() => drawingOf(alias, history), [alias, history]);
  return (
    <Drawing
      key={`${alias} ${history.kind} ${history.bucket === null}`}
      label={describe(alias, unit, history)}
      times={times}
      series={series}
      span={history}
      unit={unit}
      names={history.kind === 'boolean' ? flags : undefined}
      points={times.length < (history.bucket === null ? MARKED : 2)}
      height={PLOT_HEIGHT}
      onZoom={onZoom}
    />
  );
}

function Note({ history, asTable }: { readonly history: History; readonly asTable: boolean }) {
  const { bucket, cut, kind } = history;
  const parts = [
    bucket === null
      ? ''
      : `Each point sums up ${formatBucket(bucket)}: the mean, and the range from the lowest to the highest value.`,
    cut ? 'There are more values than are shown: choose a shorter time.' : '',
    kind === 'text' ? 'Texts are listed, not drawn.' : '',
    asTable ? '' : 'Drag over the chart to look closer.',
  ];
  return (
    <Text size="xs" c="dimmed">
      {parts.filter((part) => part !== '').join(' ')}
    </Text>
  );
}

interface NoDataProps {
  readonly row: ResourceRow;
  readonly range: Range | undefined;
  readonly onAll: () => void;
}

function NoData({ row, range, onAll }: NoDataProps) {
  const ever = row.reported !== null;
  return (
    <Stack align="center" justify="center" gap="xs" mih={PLOT_HEIGHT} ta="center" px="md">
      <IconChartLine size={28} aria-hidden color="var(--mantine-color-dimmed)" />
      <Text size="sm" fw={600}>
        {ever ? 'No values in this time' : 'No values yet'}
      </Text>
      <Text size="sm" c="dimmed" maw={420}>
        {ever
          ? 'The device reported this resource at another time.'
          : `As soon as the device writes ${row.alias}, it shows here.`}
      </Text>
      {ever && range !== 'all' && (
        <Button size="xs" variant="default" onClick={onAll}>
          Show all values
        </Button>
      )}
    </Stack>
  );
}

interface CustomProps {
  readonly from: number;
  readonly to: number;
  readonly onChange: (next: Partial<DevicePageSearch>, replace?: boolean) => void;
}

function Custom({ from, to, onChange }: CustomProps) {
  const [start, setStart] = useState(toLocalInput(from));
  const [end, setEnd] = useState(toLocalInput(to));
  const [a, b] = [fromLocalInput(start), fromLocalInput(end)];
  const fits = a !== null && b !== null && a < b;
  const whole = (to - from) * 2;
  return (
    <Group
      component="form"
      gap="xs"
      align="flex-end"
      // biome-ignore lint/suspicious/noExplicitAny: Mantine types the event by the default element
      onSubmit={(event: any) => {
        event.preventDefault();
        if (fits) onChange({ range: 'custom', from: a, to: b }, false);
      }}
    >
      <TextInput
        size="xs"
        type="datetime-local"
        step={1}
        label="From"
        value={start}
        onChange={(event) => setStart(event.currentTarget.value)}
      />
      <TextInput
        size="xs"
        type="datetime-local"
        step={1}
        label="To"
        value={end}
        error={a !== null && b !== null && !fits ? 'Must be later' : undefined}
        onChange={(event) => setEnd(event.currentTarget.value)}
      />
      <Button size="xs" type="submit" variant="default" disabled={!fits}>
        Show
      </Button>
      <Button
        size="xs"
        variant="default"
        onClick={() =>
          onChange({ range: 'custom', from: Math.max(0, from - whole / 4), to: Math.round(to + whole / 4) }, false)
        }
      >
        Zoom out
      </Button>
    </Group>
  );
}
