/** Events in a line: a colour for each type, and what is worth saying of one. */
import type { LogEvent } from '../api/types.ts';
import { countOf } from '../parts/count.ts';

const colours: Readonly<Partial<Record<LogEvent['type'], string>>> = {
  provisioned: 'harbour',
  whitelisted: 'blue',
  data_in: 'cyan',
  data_out: 'indigo',
  refused: 'red',
  locked: 'red',
  revoked: 'red',
  deleted: 'red',
  expired: 'orange',
  reprovision: 'violet',
  unlocked: 'harbour',
};

export const colourOf = (type: LogEvent['type']) => colours[type] ?? 'gray';

/** Longest line worth drawing; the whole is one click away. */
const LONGEST = 200;

/** `temperature = 21.5`, `The device is locked`, `admin@localhost`. Empty where the type says it all. */
export function summaryOf({ type, payload }: Pick<LogEvent, 'type' | 'payload'>): string {
  const text = type === 'data_in' || type === 'data_out' ? valuesOf(payload) : saidIn(payload);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function valuesOf(payload: unknown): string {
  if (!Array.isArray(payload)) return '';
  const points = payload as readonly { readonly values?: Readonly<Record<string, unknown>> }[];
  const values = points.flatMap((point) => Object.entries(point.values ?? {}));
  if (points.length === 1) return values.map(([alias, value]) => `${alias} = ${value}`).join(', ');
  const counts = Map.groupBy(values, ([alias]) => alias);
  return [...counts].map(([alias, found]) => `${alias}: ${countOf(found.length, 'value')}`).join(', ');
}

function saidIn(payload: unknown): string {
  if (typeof payload !== 'object' || payload === null) return '';
  const { message, auth, registered_itself, who, given, renewed } = payload as Record<string, unknown>;
  if (typeof message === 'string') return message;
  const parts = [
    auth === undefined ? '' : `by ${auth}`,
    registered_itself === true ? 'registered itself' : '',
    renewed === true ? 'renewed' : '',
    given === true ? 'given beforehand' : '',
    typeof who === 'string' ? who : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}
