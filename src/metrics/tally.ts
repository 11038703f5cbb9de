/**
 * What a door answered, in plain numbers that are read when somebody asks: counting costs an addition. Routes are known
 * beforehand, codes have a bound and reasons are the catalogue's, so no outsider can make it grow.
 */
import { type ErrorCode, errors } from '../domain/errors.ts';
import { tellingCodes } from '../domain/refusals.ts';
import type { Labels } from './figure.ts';

export type Door = 'https' | 'mqtt' | 'management';

/** A row of a door's table of contents. */
export interface Endpoint {
  readonly method: string;
  readonly route: string;
}

export interface Tally {
  readonly door: Door;
  /** `endpoint`: its place in the list that the tally was made with. */
  answered(endpoint: number, code: number): void;
  refused(reason: ErrorCode): void;
  /** Those that there were. */
  requests(): (readonly [Labels, number])[];
  /** Those that there were; and those that alerts look for, from the start on, so that the first one is seen as one more. */
  refusals(): (readonly [Labels, number])[];
}

const codes = Object.keys(errors) as ErrorCode[];
const always: ReadonlySet<ErrorCode> = new Set([
  ...tellingCodes,
  ...codes.filter((code) => errors[code].status >= 500),
]);

/** `most`: the highest code that is counted. `textOf`: how a code is written. */
export function createTally(
  door: Door,
  endpoints: readonly Endpoint[],
  most: number,
  textOf: (code: number) => string = String,
): Tally {
  const width = most + 1;
  const answers = new Float64Array(endpoints.length * width);
  const refused = Object.fromEntries(codes.map((code) => [code, 0])) as Record<ErrorCode, number>;
  return {
    door,
    answered(endpoint, code) {
      answers[endpoint * width + code]! += 1;
    },
    refused(reason) {
      refused[reason] += 1;
    },
    requests() {
      return endpoints.flatMap(({ method, route }, endpoint) =>
        Array.from(answers.subarray(endpoint * width, (endpoint + 1) * width)).flatMap((n, code) =>
          n === 0 ? [] : [[{ door, method, route, code: textOf(code) }, n] as const],
        ),
      );
    },
    refusals: () =>
      codes
        .filter((code) => refused[code] > 0 || always.has(code))
        .map((reason) => [{ door, reason }, refused[reason]] as const),
  };
}
