/**
 * History in blocks: points of one alias that fall into the same span of time stand in one row, as JSON
 * `[timestamp, value, timestamp, value, …]`. A device that reports often then costs a row a step and not a row a point;
 * one that reports rarely has a row for each, as it would anyhow. Pure: knows the shape, not the table.
 */

/** Length of a span, µs: 2^32, about 72 minutes. Which rows can hold a point follows from its time alone. */
const SPAN = 4_294_967_296;

export const spanOf = (timestamp: number): number => Math.floor(timestamp / SPAN);

/** Bytes up to which a block grows by what is written later: with its key it stands on a page of the table whole. */
export const BLOCK_BYTES = 960;

export type Block = (number | string)[];

export function timesIn(data: string): number[] {
  return (JSON.parse(data) as Block).filter((_, at) => at % 2 === 0) as number[];
}

export interface MergedPoint {
  readonly timestamp: number;
  readonly value: string;
  /** What it takes of the room. */
  readonly size: number;
}

export interface Merge {
  add(data: string): void;
  /** By time, each time once: the block added first wins. `cut`: later ones were left out for want of room. */
  result(): { readonly points: readonly MergedPoint[]; readonly cut: boolean };
}

/**
 * Merges the blocks of one span: their points between the bounds (inclusive). Keeps the earliest, as many as `room` (characters)
 * has space for and one at least.
 */
export function createMerge({ from, to }: { readonly from: number; readonly to: number }, room: number): Merge {
  let points: MergedPoint[] = [];
  /** Time of the last one while each came after the one before, as they mostly do; null from the first that did not. */
  let latest: number | null = Number.NEGATIVE_INFINITY;
  let size = 0;
  let end = to;
  let cut = false;

  function tidy(): void {
    if (latest === null) {
      // Stable, so that of equal times the first stays first.
      points.sort((a, b) => a.timestamp - b.timestamp);
      points = points.filter(({ timestamp }, at) => at === 0 || points[at - 1]!.timestamp !== timestamp);
      latest = points.at(-1)!.timestamp;
      size = points.reduce((sum, point) => sum + point.size, 0);
    }
    if (size <= room) return;
    cut = true;
    size = 0;
    const fitting = points.findIndex((point) => {
      size += point.size;
      return size > room;
    });
    points.length = Math.max(1, fitting);
    latest = end = points.at(-1)!.timestamp;
    size = points.reduce((sum, point) => sum + point.size, 0);
  }

  return {
    add(data) {
      const block = JSON.parse(data) as Block;
      for (let at = 0; at < block.length; at += 2) {
        const timestamp = block[at] as number;
        if (timestamp < from || timestamp > end) continue;
        const value = block[at + 1] as string;
        const taken = value.length + POINT;
        points.push({ timestamp, value, size: taken });
        size += taken;
        latest = latest !== null && timestamp > latest ? timestamp : null;
      }
      if (size > 2 * room) tidy();
    },
    result() {
      tidy();
      return { points, cut };
    },
  };
}

/** What a point counts beside its text. */
const POINT = 64;
