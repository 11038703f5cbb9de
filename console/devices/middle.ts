/** Long identities are cut in their middle, as both their ends tell them apart. */

/** Characters of the end that always stay. */
const TAIL = 8;
/** Up to this many characters nothing is cut. */
const SHORT = 24;

/** Beginning, which may be cut at its end, and end; the end is empty where the text is short. */
export function splitMiddle(text: string): readonly [start: string, end: string] {
  const points = [...text];
  if (points.length <= SHORT) return [text, ''];
  return [points.slice(0, -TAIL).join(''), points.slice(-TAIL).join('')];
}
