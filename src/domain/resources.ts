/**
 * Resource definitions: which aliases there may be, and which values a resource takes (management-api.md, Resource). Values
 * are text, as devices send them; they are judged, never converted.
 */
import type { Resource } from './connector.ts';
import { printable } from './errors.ts';

export interface ValueFault {
  readonly seen: string;
  readonly wanted: string;
}

/** A fault of a setting. `path` as in `resources.temperature.allowed[2]`. */
export interface SettingFault extends ValueFault {
  readonly path: string;
}

/** Bounds of one definition, in characters and entries. */
export const UNIT_MAX = 64;
export const ALLOWED_MAX = 1000;
export const ALLOWED_TEXT_MAX = 1024;

/** `^[^.$&=/+#]{1,128}$`, valid Unicode without control characters, and not `__proto__`, which is no plain key in JavaScript. */
export function checkAlias(alias: string): boolean {
  return /^[^.$&=/+#\p{Cc}\p{Cs}]{1,128}$/u.test(alias) && alias.length <= 128 && alias !== '__proto__';
}

/**
 * A decimal number: sign, digits, fraction, exponent. Wider than JSON by what firmware prints: leading zeros (`007`), `.5`
 * and `5.`. No spaces, no hex, no NaN or Infinity.
 */
const number = /^-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** Device programs print `1`, `true` and `True` alike. */
const booleans: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

/** The finite number that the text stands for, else null. */
function parseNumber(text: string): number | null {
  const value = number.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? value : null;
}

function parseBoolean(text: string): boolean | null {
  return text.length > 5 ? null : (booleans.get(text.toLowerCase()) ?? null);
}

/** Both ends belong to the range. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

/**
 * `<a>-<b>` or `<a>..<b>`, where each is a JSON number and may be negative: `9-11`, `-40..125`, `-5--1`. Null for what is
 * no range, and where a > b.
 */
export function parseRange(text: string): NumberRange | null {
  const [, a, b] = /^(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?:-|\.\.)(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/i.exec(text) ?? [];
  const from = parseNumber(a ?? '');
  const to = parseNumber(b ?? '');
  return from === null || to === null || from > to ? null : { from, to };
}

type Allows = (text: string) => boolean;

/** Definitions are replaced, never changed in place; the hot path parses each list once. */
const compiled = new WeakMap<Resource['allowed'], Partial<Record<Resource['format'], Allows>>>();

function allows(resource: Resource, text: string): boolean {
  const { allowed, format } = resource;
  if (allowed.length === 0) return true;
  let checks = compiled.get(allowed);
  if (checks === undefined) {
    checks = {};
    compiled.set(allowed, checks);
  }
  checks[format] ??= compilers[format](allowed.map(String));
  return checks[format](text);
}

const compilers: Readonly<Record<Resource['format'], (allowed: readonly string[]) => Allows>> = {
  string(allowed) {
    const texts = new Set(allowed);
    return (text) => texts.has(text);
  },
  boolean(allowed) {
    const values = new Set(allowed.map(parseBoolean));
    return (text) => values.has(parseBoolean(text));
  },
  // 1, 1.0 and 1e0 are one value.
  number(allowed) {
    const values = new Set(allowed.map(parseNumber));
    const ranges = allowed.map(parseRange).filter((range) => range !== null);
    return (text) => {
      const value = parseNumber(text)!;
      return values.has(value) || ranges.some(({ from, to }) => from <= value && value <= to);
    };
  },
};

const formats: Readonly<Record<Resource['format'], { fits(text: string): boolean; readonly wanted: string }>> = {
  string: { fits: () => true, wanted: 'text' },
  number: { fits: (text) => parseNumber(text) !== null, wanted: 'a decimal number' },
  boolean: { fits: (text) => parseBoolean(text) !== null, wanted: 'true, false, 1 or 0' },
};

/** Null if the resource takes the value: it has the format and is one of `allowed`, if there are any. */
export function checkValue(resource: Resource, value: string): ValueFault | null {
  const { fits, wanted } = formats[resource.format];
  if (!fits(value)) return { seen: show(value), wanted };
  if (!allows(resource, value))
    return { seen: show(value), wanted: `one of ${printable(resource.allowed.join(', '))}` };
  return null;
}

/** What is wrong with a definition; empty if nothing is. */
export function checkResource(alias: string, resource: Resource): SettingFault[] {
  const faults: SettingFault[] = [];
  const path = `resources.${printable(alias)}`;
  const fault = (where: string, seen: string, wanted: string) => faults.push({ path: path + where, seen, wanted });
  if (!checkAlias(alias))
    fault('', show(alias), 'an alias of 1 to 128 characters, none of . $ & = / + #, no control characters');
  if (!Object.hasOwn(formats, resource.format)) {
    fault('.format', show(resource.format), Object.keys(formats).join(', '));
    return faults;
  }
  if (resource.unit.length > UNIT_MAX) fault('.unit', `${resource.unit.length} characters`, `at most ${UNIT_MAX}`);
  faults.push(...checkAllowed(path, resource), ...checkInitial(path, resource));
  return faults;
}

function checkAllowed(path: string, { format, allowed }: Resource): SettingFault[] {
  if (allowed.length > ALLOWED_MAX) {
    return [{ path: `${path}.allowed`, seen: `${allowed.length} entries`, wanted: `at most ${ALLOWED_MAX}` }];
  }
  return allowed.flatMap((entry, i) => {
    const text = String(entry);
    const fits = formats[format].fits(text) || (format === 'number' && parseRange(text) !== null);
    if (fits && text.length <= ALLOWED_TEXT_MAX) return [];
    const range = format === 'number' ? ', or a range such as 9-11 or -40..125, the smaller end first' : '';
    const wanted = `${formats[format].wanted}${range}, at most ${ALLOWED_TEXT_MAX} characters`;
    return [{ path: `${path}.allowed[${i}]`, seen: show(text), wanted }];
  });
}

function checkInitial(path: string, resource: Resource): SettingFault[] {
  if (resource.initial === null) return [];
  const text = String(resource.initial);
  if (!resource.settable)
    return [{ path: `${path}.initial`, seen: show(text), wanted: 'none, as the resource is not settable' }];
  if (text.length > ALLOWED_TEXT_MAX) {
    return [{ path: `${path}.initial`, seen: `${text.length} characters`, wanted: `at most ${ALLOWED_TEXT_MAX}` }];
  }
  const fault = checkValue(resource, text);
  return fault === null ? [] : [{ path: `${path}.initial`, ...fault }];
}

function show(text: string): string {
  return text === '' ? 'nothing' : printable(text);
}
