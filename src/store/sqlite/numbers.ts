/**
 * The numbers in the blocks of a history, for summaries. Of the many that devices send, most are a few digits with a point; those
 * are read off the text as it stands, which takes a fraction of parsing it. Pure: knows the shape of a block, not the table.
 */
import type { Block } from './blocks.ts';

/** A number as JSON writes one (RFC 8259, 6): what else Number() would take, such as '' or ' 1', is none. */
const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Digits that a double holds whatever they are; with them, dividing by a power of ten rounds as Number() does. */
const DIGITS = 15;
/** Of the 16 that a time in µs has. */
const HALF = 8;
const powers = Array.from({ length: DIGITS + 1 }, (_, exponent) => 10 ** exponent);

const [ZERO, NINE, POINT, MINUS, COMMA, QUOTE, END] = Array.from('09.-,"]', (sign) => sign.charCodeAt(0)) as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];

export interface Bounds {
  /** Inclusive, µs. */
  readonly from: number;
  readonly to: number;
}

/** By time, each time once: the first number that was added wins. Both lists are as long. */
export interface Numbers {
  readonly times: readonly number[];
  readonly values: readonly number[];
}

/** Gathers the numbers of the blocks of one span; what is none, or not between the bounds, is passed over. */
export function createNumbers(bounds: Bounds) {
  const times: number[] = [];
  const values: number[] = [];
  return {
    add(data: string): void {
      const before = times.length;
      if (readPlain(data, bounds, times, values)) return;
      times.length = values.length = before;
      readAny(data, bounds, times, values);
    },
    result: (): Numbers => (isAscending(times) ? { times, values } : inOrder(times, values)),
  };
}

/** False as soon as anything is not digits where plain numbers have them; the lists may have grown by then. */
function readPlain(data: string, { from, to }: Bounds, times: number[], values: number[]): boolean {
  const end = data.length - 1;
  for (let at = 1; at < end; ) {
    // In two halves, as whole numbers of 16 digits are slow to build.
    let high = 0;
    let code = data.charCodeAt(at);
    const half = at + HALF;
    for (; code >= ZERO && code <= NINE && at < half; code = data.charCodeAt(++at)) high = high * 10 + (code - ZERO);
    let low = 0;
    const middle = at;
    for (; code >= ZERO && code <= NINE; code = data.charCodeAt(++at)) low = low * 10 + (code - ZERO);
    if (code !== COMMA || data.charCodeAt(at + 1) !== QUOTE || at - middle > HALF) return false;
    const timestamp = high * powers[at - middle]! + low;
    at += 2;
    const negative = data.charCodeAt(at) === MINUS;
    const first = negative ? at + 1 : at;
    let point = -1;
    let digits = 0;
    for (at = first; ; at += 1) {
      code = data.charCodeAt(at);
      if (code >= ZERO && code <= NINE) digits = digits * 10 + (code - ZERO);
      else if (code === POINT && point === -1) point = at;
      else break;
    }
    if (code !== QUOTE || !isPlain(data, first, point, at)) return false;
    code = data.charCodeAt(at + 1);
    if (code !== COMMA && code !== END) return false;
    if (timestamp >= from && timestamp <= to) {
      const number = point === -1 ? digits : digits / powers[at - point - 1]!;
      times.push(timestamp);
      values.push(negative ? -number : number);
    }
    at += 2;
  }
  return true;
}

/** Whether these digits, with a point or (-1) without, are a number as JSON writes one and not too many. */
function isPlain(data: string, first: number, point: number, end: number): boolean {
  const whole = (point === -1 ? end : point) - first;
  if (whole < 1 || point === end - 1 || end - first - (point === -1 ? 0 : 1) > DIGITS) return false;
  return whole === 1 || data.charCodeAt(first) !== ZERO;
}

function readAny(data: string, { from, to }: Bounds, times: number[], values: number[]): void {
  const block = JSON.parse(data) as Block;
  for (let at = 0; at < block.length; at += 2) {
    const timestamp = block[at] as number;
    const text = block[at + 1] as string;
    if (timestamp < from || timestamp > to || !jsonNumber.test(text)) continue;
    const number = Number(text);
    if (!Number.isFinite(number)) continue;
    times.push(timestamp);
    values.push(number);
  }
}

function isAscending(times: readonly number[]): boolean {
  for (let at = 1; at < times.length; at += 1) if (times[at - 1]! >= times[at]!) return false;
  return true;
}

function inOrder(times: readonly number[], values: readonly number[]): Numbers {
  // Stable, so that of equal times the first stays first.
  const order = Array.from(times.keys()).sort((a, b) => times[a]! - times[b]!);
  const kept = order.filter((place, at) => at === 0 || times[order[at - 1]!] !== times[place]);
  return { times: kept.map((place) => times[place]!), values: kept.map((place) => values[place]!) };
}
