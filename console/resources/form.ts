/**
 * A definition as it is typed: texts in fields, which become a resource, and which fields are wrong. The rules themselves
 * are those of the domain.
 */
import type { Resource } from '../../src/domain/connector.ts';
import { printable } from '../../src/domain/errors.ts';
import { checkAlias, checkResource } from '../../src/domain/resources.ts';

export interface ResourceForm {
  readonly alias: string;
  readonly format: Resource['format'];
  readonly unit: string;
  readonly settable: boolean;
  /** One value per line; a line that begins with a quotation mark is a JSON string. */
  readonly allowed: string;
  readonly initial: string;
  readonly sync: boolean;
}

/** What is wrong with each field, in words. */
export type FormFaults = Partial<Record<keyof ResourceForm, string>>;

export const emptyForm: ResourceForm = {
  alias: '',
  format: 'string',
  unit: '',
  settable: false,
  allowed: '',
  initial: '',
  sync: false,
};

export function formOf(alias: string, resource: Resource): ResourceForm {
  const { format, unit, settable, allowed, initial, sync } = resource;
  return {
    alias,
    format,
    unit,
    settable,
    allowed: allowed.map((value) => lineOf(String(value))).join('\n'),
    initial: initial === null ? '' : lineOf(String(initial)),
    sync,
  };
}

/** As the wire has it. What is not settable has no initial value and need not be sent to the device. */
export function resourceOfForm({ format, unit, settable, allowed, initial, sync }: ResourceForm): Resource {
  const lines = allowed.split(/\r\n|\n/).filter((line) => line.trim() !== '');
  const first = initial === '' ? null : toValue(textOfLine(initial), format);
  return {
    format,
    unit: unit.trim(),
    settable,
    allowed: lines.map((line) => toValue(textOfLine(line), format)),
    initial: settable ? first : null,
    sync,
  };
}

/** Numbers and truth values as such, where writing them so loses nothing; ranges and all else as text. */
function toValue(text: string, format: Resource['format']): string | number | boolean {
  if (format === 'number' && String(Number(text)) === text) return Number(text);
  if (format === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

/** Where a text alone would not come back as it is: empty, spaces around it, line breaks, a quotation mark first. */
function lineOf(text: string): string {
  return text === '' || text !== text.trim() || /["\n\r]/.test(text) ? JSON.stringify(text) : text;
}

function textOfLine(line: string): string {
  const text = line.trim();
  if (!text.startsWith('"')) return text;
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'string' ? parsed : text;
  } catch {
    return text;
  }
}

/** `taken`: whether another resource has the alias. */
export function checkForm(form: ResourceForm, taken: (alias: string) => boolean): FormFaults {
  const faults: FormFaults = faultsByField(checkResource(form.alias, resourceOfForm(form)), form);
  if (checkAlias(form.alias) && taken(form.alias))
    return { ...faults, alias: 'There is already a resource with this alias' };
  return faults;
}

interface Fault {
  readonly path: string;
  readonly seen: string;
  readonly wanted: string;
}

/** Faults by path, as the domain and the server name them, at the fields that they are about. */
export function faultsByField(faults: readonly Fault[], { alias, allowed }: ResourceForm): FormFaults {
  const found: FormFaults = {};
  const base = `resources.${printable(alias)}`;
  for (const { path, seen, wanted } of faults) {
    if (!path.startsWith(base)) continue;
    const field = /^\.(\w+)/.exec(path.slice(base.length))?.[1] ?? 'alias';
    if (!Object.hasOwn(emptyForm, field)) continue;
    const index = /\[(\d+)\]$/.exec(path)?.[1];
    const where = index === undefined ? '' : `Line ${lineNumber(allowed, Number(index))}: `;
    found[field as keyof ResourceForm] ??= `${where}saw ${seen}, expected ${wanted}`;
  }
  return found;
}

/** Of the n-th value, in a text that may have empty lines between. */
function lineNumber(allowed: string, index: number): number {
  const filled = allowed.split('\n').flatMap((line, number) => (line.trim() === '' ? [] : [number + 1]));
  return filled[index] ?? index + 1;
}
