/** What the address of a device's page says: which chart, over which time, which event is open, which dialog. */
import { oneOf, textOf } from '../devices/search.ts';

/** Times that end now, longest last; `custom` is from `from` to `to`. */
export const ranges = ['1h', '24h', '7d', '30d', 'all', 'custom'] as const;
export type Range = (typeof ranges)[number];

export const actionNames = ['lock', 'unlock', 'window', 'keep', 'reprovision', 'withdraw', 'revoke', 'delete'] as const;
/** What a person may do to a device; each has a dialog. */
export type ActionName = (typeof actionNames)[number];

export interface DevicePageSearch {
  /** Resource that the chart shows. */
  readonly alias?: string;
  readonly range?: Range;
  /** µs since the epoch; of a custom range. */
  readonly from?: number;
  readonly to?: number;
  /** The values as a table in place of the chart. */
  readonly view?: 'table';
  /** Number of the event that is open. */
  readonly event?: number;
  readonly dialog?: ActionName;
}

/** Takes whatever stands in an address; what makes no sense is left out. */
export function readDevicePageSearch(given: Record<string, unknown>): DevicePageSearch {
  const from = timeOf(given.from);
  const to = timeOf(given.to);
  const whole = from !== undefined && to !== undefined && from < to;
  const range = oneOf(ranges, given.range);
  return {
    alias: textOf(given.alias),
    range: range === 'custom' && !whole ? undefined : range,
    from: whole && range === 'custom' ? from : undefined,
    to: whole && range === 'custom' ? to : undefined,
    view: oneOf(['table'], given.view),
    event: timeOf(given.event),
    dialog: oneOf(actionNames, given.dialog),
  };
}

const timeOf = (given: unknown) =>
  typeof given === 'number' && Number.isSafeInteger(given) && given >= 0 ? given : undefined;
