/** Draws a plot with uPlot, in the colours of the page, as wide as its place. Loaded lazily, by plot.tsx alone. */
import 'uplot/dist/uPlot.min.css';
import './chart.css';
import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useMemo, useRef } from 'react';
import uPlot from 'uplot';
import { formatExact } from '../parts/format-time.ts';
import { alignBuckets } from './align.ts';
import type { PlotProps, PlotSeries } from './plot.tsx';

type Props = PlotProps & { readonly height: number };

export default function Chart(props: Props) {
  const { label, times, series, bucket, height, unit = '', points = false, span, names, onZoom } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const zoom = useRef(onZoom);
  zoom.current = onZoom;
  const shown = useRef(span);
  shown.current = span;
  const scheme = useComputedColorScheme('light');
  const data = useMemo(
    () => alignBuckets(times.map(seconds), series, bucket) as uPlot.AlignedData,
    [times, series, bucket],
  );
  /** What the cursor tells: of a stack that is not how high its bar reaches. */
  const told = useRef(series);
  told.current = series;
  const latest = useRef(data);
  latest.current = data;
  /** Changes with what has to be drawn anew from the beginning, not with the values. */
  const looks = JSON.stringify([names, series.map(({ label, color, look }) => [label, color, look])]);

  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const options: uPlot.Options = {
      width: element.clientWidth,
      height,
      series: [
        { label: 'Time', value: (_self, at) => (at === null ? '–' : formatExact(at * 1_000_000).slice(0, 19)) },
        ...series.map((one, at) => seriesOf(one, unit, points, names, (index) => told.current[at]?.values[index])),
      ],
      bands: series.flatMap(({ look }, at) => (look === 'band' ? [{ series: [at + 1, at] as [number, number] }] : [])),
      axes: axesOf(unit, names),
      cursor: { drag: { x: true, y: false, setScale: false }, focus: { prox: 24 } },
      scales: {
        x: {
          range: (_self, min, max) =>
            shown.current ? [seconds(shown.current.from), seconds(shown.current.to)] : [min, max],
        },
        y: {
          range: names ? [-0.1, names.length - 0.9] : series.some(({ look }) => look === 'bare') ? tightRange : rangeOf,
        },
      },
      hooks: { setSelect: [(self) => select(self, zoom.current)] },
    };
    const drawn = new uPlot(options, latest.current, element);
    plot.current = drawn;
    const watcher = new ResizeObserver(() => drawn.setSize({ width: element.clientWidth, height }));
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      drawn.destroy();
      plot.current = null;
    };
  }, [looks, unit, points, height, scheme]);

  // A time that has gone on moves the plot also where no value has come.
  useEffect(() => plot.current?.setData(data), [data, span?.from, span?.to]);

  return <div ref={place} role="img" aria-label={label} />;
}

const seconds = (time: number) => time / 1_000_000;

const colorOf = (name: string) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--mantine-color-${name}`).trim();

function seriesOf(
  { label, color, look = 'line' }: PlotSeries,
  unit: string,
  points: boolean,
  names: PlotProps['names'],
  valueAt: (index: number) => number | null | undefined,
): uPlot.Series {
  const stroke = colorOf(`${color}-6`);
  const paths = {
    line: uPlot.paths.linear!(),
    bare: uPlot.paths.linear!(),
    band: uPlot.paths.linear!(),
    edge: uPlot.paths.linear!(),
    steps: uPlot.paths.stepped!({ align: 1 }),
    bars: uPlot.paths.bars!({ size: [0.9, 60], align: 1 }),
    stack: uPlot.paths.bars!({ size: [0.9, 60], align: 1 }),
  }[look];
  return {
    label,
    stroke,
    width: ['bars', 'stack', 'band', 'edge'].includes(look) ? 0 : 1.75,
    fill: ['bare', 'edge'].includes(look) ? undefined : `${stroke}${opacities[look] ?? '22'}`,
    paths,
    points: { show: points && !['band', 'edge'].includes(look), size: 5 },
    value: (_self, drawn, _at, index) => {
      const value = look === 'stack' && index !== null ? valueAt(index) : drawn;
      if (value === null || value === undefined) return '–';
      return (
        names?.[value] ??
        `${Number(value.toPrecision(6)).toLocaleString('en', { maximumSignificantDigits: 6 })} ${unit}`.trim()
      );
    },
  };
}

/** Of what is filled, in hex, where it is not light: the bars of a stack must not shine through each other. */
const opacities: Readonly<Partial<Record<NonNullable<PlotSeries['look']>, string>>> = { bars: 'c0', stack: 'ff' };

function axesOf(unit: string, names: PlotProps['names']): uPlot.Axis[] {
  const stroke = colorOf('dimmed');
  const lines = { stroke: colorOf('default-border'), width: 1 };
  const common = { stroke, grid: lines, ticks: lines, font: '12px system-ui, sans-serif' };
  return [
    { ...common, space: 70, values: (_self, splits, _axis, _space, step) => splits.map((at) => tickOf(at, step)) },
    names
      ? { ...common, size: 56, splits: () => names.map((_, at) => at), values: () => [...names] }
      : {
          ...common,
          size: 56,
          values: (_self, values) => values.map((value) => `${shorten(value)}${unit && ` ${unit}`}`),
        },
  ];
}

/** The time of day, or the day where the steps are that long. `at` and `step` in seconds. */
function tickOf(at: number, step: number): string {
  const text = formatExact(at * 1_000_000);
  if (step >= 86_400) return text.slice(5, 10);
  return text.slice(11, 19).endsWith('00:00') && text.slice(11, 13) === '00'
    ? text.slice(5, 10)
    : text.slice(11, step < 60 ? 19 : 16);
}

/** 1500 → 1.5k, so that all of an axis fits. */
function shorten(value: number): string {
  return new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 4 }).format(value);
}

/** From 0 where nothing is below it and 0 is near; some room above; never flat. */
function rangeOf(_self: uPlot, min: number | null, max: number | null): [number, number] {
  if (min === null || max === null) return [0, 1];
  const low = min >= 0 && min < max * 0.7 ? 0 : min;
  const room = (max - low) * 0.08 || Math.abs(max) * 0.1 || 1;
  return [low === 0 ? 0 : low - room, max + room];
}

/** For measurements, where small changes count: from the least to the greatest, with some room; never flat. */
function tightRange(_self: uPlot, min: number | null, max: number | null): [number, number] {
  if (min === null || max === null) return [0, 1];
  const room = (max - min) * 0.08 || Math.abs(max) * 0.1 || 1;
  return [min - room, max + room];
}

function select(self: uPlot, onZoom: PlotProps['onZoom']): void {
  const { left, width } = self.select;
  if (width < 4) return;
  const at = (x: number) => Math.round(self.posToVal(x, 'x') * 1_000_000);
  onZoom?.(at(left), at(left + width));
  self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
}
