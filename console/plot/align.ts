/** Values over time as a plot draws them: stacks heaped up, and the last bucket with its end. Pure. */

interface Series {
  readonly values: readonly (number | null)[];
  readonly look?: string;
}

type Column = readonly (number | null)[];

/**
 * The times and a column for each series. With `bucket`, in the unit of the times, one more point stands at the end of the
 * last bucket: steps go on to it, and all else ends before. Columns of a stack are summed up from the last to the first, so
 * that the one drawn first is the highest.
 */
export function alignBuckets(times: readonly number[], series: readonly Series[], bucket?: number): readonly Column[] {
  const last = times.at(-1);
  const columns = series.map(({ look, values }, at) => (look === 'stack' ? heap(series.slice(at)) : values));
  if (bucket === undefined || last === undefined) return [times, ...columns];
  const ends = series.map(({ look, values }) => (look === 'steps' ? (values.at(-1) ?? null) : null));
  return [[...times, last + bucket], ...columns.map((column, at) => [...column, ends[at]!])];
}

function heap(series: readonly Series[]): Column {
  const stacked = series.filter(({ look }) => look === 'stack');
  return stacked[0]!.values.map((_, at) => stacked.reduce((sum, { values }) => sum + (values[at] ?? 0), 0));
}
