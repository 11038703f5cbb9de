/**
 * History in blocks: points of one alias that fall into the same span of time stand in one row, as JSON
 * `[timestamp, value, timestamp, value, …]`. A device that reports often then costs a row a step and not a row a point;
 * one that reports rarely has a row for each, as it would anyhow. Pure: knows the shape, not the table.
 */

/** Length of a span, µs: 2^32, about 72 minutes. Which rows can hold a point follows from its time alone. */
const SPAN = 4_294_967_296;

export const spanOf = (timestamp: number): number => Math.floor(timestamp / SPAN);

export type Block = (number | string)[];

export function timesIn(data: string): number[] {
  return (JSON.parse(data) as Block).filter((_, at) => at % 2 === 0) as number[];
}

/** The points of the blocks of one span between the bounds (inclusive), by time, each time once: the block stored first wins. */
export function mergeBlocks(
  blocks: readonly string[],
  from: number,
  to: number,
): { timestamp: number; value: string }[] {
  const points: { timestamp: number; value: string }[] = [];
  for (const data of blocks) {
    const block = JSON.parse(data) as Block;
    for (let at = 0; at < block.length; at += 2) {
      const timestamp = block[at] as number;
      if (timestamp >= from && timestamp <= to) points.push({ timestamp, value: block[at + 1] as string });
    }
  }
  // Stable, so that of equal times the first stays first.
  points.sort((a, b) => a.timestamp - b.timestamp);
  return points.filter(({ timestamp }, at) => at === 0 || points[at - 1]!.timestamp !== timestamp);
}
