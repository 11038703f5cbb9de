/**
 * What an event says, short enough for one line. The payload comes from outside the types (each kind of event has its own),
 * so that whatever is not as expected is left out, never a failure.
 */
import type { EventType } from '../../src/domain/connector.ts';

/** A value that a device wrote, or that was set for it. */
export interface SummaryValue {
  readonly alias: string;
  readonly value: string;
  /** False where the alias is no resource: logged, not stored. */
  readonly defined: boolean;
}

export interface Summary {
  readonly text: string;
  readonly values: readonly SummaryValue[];
  /** Values that are not in `values`. */
  readonly more: number;
}

/** As many values, and as many characters of each, as a line has room for. */
const VALUES = 6;
const TEXT = 240;

type Fields = Readonly<Record<string, unknown>>;

/** What of an event decides its summary. */
export interface Summarized {
  readonly type: EventType;
  readonly payload: unknown;
}

export function summarize({ type, payload }: Summarized): Summary {
  if (type === 'data_in' || type === 'data_out') return summarizeValues(payload);
  const sentence = sentences[type];
  return { text: clip(sentence === undefined ? '' : sentence(fieldsOf(payload))), values: [], more: 0 };
}

function summarizeValues(payload: unknown): Summary {
  const points = Array.isArray(payload) ? payload.map(fieldsOf) : [];
  const all = points.flatMap((point) => {
    const undefinedAliases = Array.isArray(point.undefined) ? point.undefined : [];
    return Object.entries(fieldsOf(point.values)).map(([alias, value]) => ({ alias, value, undefinedAliases }));
  });
  const values = all.slice(0, VALUES).map(({ alias, value, undefinedAliases }) => ({
    alias: clip(alias),
    value: clip(String(value)),
    defined: !undefinedAliases.includes(alias),
  }));
  const text = points.length > 1 ? `${points.length} points` : '';
  return { text, values, more: all.length - values.length };
}

const sentences: Partial<Record<EventType, (fields: Fields) => string>> = {
  provisioned: (fields) => {
    const how = textOf(fields.auth) === '' ? 'provisioned' : `by ${credentialName(textOf(fields.auth))}`;
    const notes = [
      fields.registered_itself === true ? 'registered itself' : '',
      fields.renewed === true ? 'certificate renewed' : '',
      fields.given === true ? 'credential given by an operator' : '',
    ];
    return [how, ...notes].filter((note) => note !== '').join(', ');
  },
  publish: ({ topic, payload }) => `${textOf(topic)} ${textOf(payload)}`.trim(),
  connect: ({ version, clean }) =>
    [version === undefined ? '' : `MQTT ${textOf(version)}`, clean === true ? 'clean start' : '']
      .filter(Boolean)
      .join(', '),
  disconnect: ({ reason }) => textOf(reason),
  whitelisted: (fields) => batchOr(fields, 'let in by an import', byWhom(fields)),
  deleted: (fields) => batchOr(fields, 'an import was undone', byWhom(fields)),
  refused: ({ rule, message }) => textOf(message) || textOf(rule),
  expired: () => 'the activation window has closed',
  reprovision: (fields) =>
    `${fields.allowed === false ? 'may no longer provision again' : 'may provision once more'}${afterComma(byWhom(fields))}`,
  locked: byWhom,
  unlocked: byWhom,
  revoked: byWhom,
  content_out: ({ id, bytes }) => `${textOf(id)}${bytes === undefined ? '' : `, ${textOf(bytes)} bytes`}`,
  rollout: (fields) => {
    const { content, action, percent, reason } = fields;
    const step =
      action === 'started' || action === 'advanced' || action === 'resumed' ? ` to ${textOf(percent)} %` : '';
    const why = [textOf(reason), byWhom(fields)].filter((text) => text !== '').join(', ');
    return `${textOf(content)} ${textOf(action)}${step}${afterComma(why)}`;
  },
  content_in: ({ id, bytes }) => `${textOf(id)}${bytes === undefined ? '' : `, ${textOf(bytes)} bytes`}`,
};

function credentialName(type: string): string {
  return type === 'certificate' ? 'TLS client certificate' : type;
}

/** An import, or its undoing, is one event for all its devices. */
function batchOr(fields: Fields, what: string, otherwise: string): string {
  if (typeof fields.count !== 'number') return otherwise;
  const count = fields.count === 1 ? '1 device' : `${fields.count.toLocaleString('en')} devices`;
  return `${count}, ${what}: ${textOf(fields.name)}`;
}

/** True for what is one event of many devices: an import, or its undoing. */
export const isOfMany = ({ payload }: Summarized): boolean => typeof fieldsOf(payload).count === 'number';

function byWhom({ who }: Fields): string {
  return textOf(who) === '' ? '' : `by ${textOf(who)}`;
}

const afterComma = (text: string) => (text === '' ? '' : `, ${text}`);

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function clip(text: string): string {
  return text.length > TEXT ? `${text.slice(0, TEXT)}…` : text;
}

/** Rule, seen, wanted and message of a refusal; null where the event does not say. */
export function refusedOf(payload: unknown) {
  const { rule, seen, wanted, message } = fieldsOf(payload);
  const text = (value: unknown) => (value === undefined || value === null ? null : textOf(value));
  return { rule: text(rule), seen: text(seen), wanted: text(wanted), message: text(message) };
}
