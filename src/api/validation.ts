/**
 * Checks requests against the schemas of their routes, and says of every field that does not fit where it is, what was
 * seen and what was expected. Converts nothing but the text of query parameters, and drops nothing.
 */
import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { AppError, printable } from '../domain/errors.ts';

/** One fault of a request. `path` as in `auth.expire`, empty for the whole body. */
export interface FieldFault {
  readonly path: string;
  readonly seen: string;
  readonly expected: string;
}

interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: unknown;
  readonly message: string;
}

/** What the keywords say of themselves; each has its own. */
interface ErrorParams {
  readonly requiredProperties: readonly string[];
  readonly allowedValues: readonly unknown[];
  readonly type: string | readonly string[];
  readonly limit: number;
}

/** More faults than anyone reads are not listed. */
const FAULTS_MAX = 50;
/** Fields that hold secrets, or in whose place one may stand by mistake. */
const secretFields = /^(?:password|key|token_sha256|auth|code|link|enrolment)$/;

/** For Fastify: a check per part of a route. Its error is an AppError SCHEMA. */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const check = Compile(schema);
  return (value: unknown) => {
    const given = httpPart === 'querystring' ? fromQuery(schema, value as Record<string, unknown>) : value;
    if (check.Check(given)) return { value: given };
    return { error: schemaError(describeFaults(check.Errors(given) as SchemaError[], given)) };
  };
};

/** A refusal that names every field; the sentence tells the first. */
export function schemaError(faults: readonly FieldFault[]): AppError {
  const [first] = faults;
  const where = first?.path ? `${first.path}: ${first.seen}` : first?.seen;
  return new AppError('SCHEMA', { seen: where, wanted: first?.expected, details: faults });
}

/** Which parameters a route's query may have; null: any. */
export function parametersOf(schema: TSchema | undefined): readonly string[] | null {
  const { properties = {}, additionalProperties = schema !== undefined } = (schema ?? {}) as {
    properties?: object;
    additionalProperties?: boolean;
  };
  return additionalProperties ? null : Object.keys(properties);
}

/** SCHEMA for parameters that are not known, with those that are. */
export function expectKnown(query: object, known: readonly string[] | null): void {
  const strange = known === null ? [] : Object.keys(query).filter((name) => !known.includes(name));
  if (strange.length === 0) return;
  const expected = known!.length === 0 ? 'no query parameters' : `only ${known!.join(', ')}`;
  const faults = strange
    .slice(0, FAULTS_MAX)
    .map((name) => ({ path: printable(name), seen: 'a query parameter', expected }));
  throw schemaError(faults);
}

/** Query parameters are text: numbers, booleans and lists are read where the schema has such. */
function fromQuery(schema: TSchema, query: Record<string, unknown>): Record<string, unknown> {
  const properties = (schema as { properties?: Record<string, { type?: string }> }).properties ?? {};
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => [
      name,
      Object.hasOwn(properties, name) ? readParameter(properties[name]?.type, value) : value,
    ]),
  );
}

function readParameter(type: string | undefined, value: unknown): unknown {
  if (type === 'array') return Array.isArray(value) ? value : [value];
  if (typeof value !== 'string') return value;
  if (type === 'integer' && /^-?\d{1,20}$/.test(value)) return Number(value);
  if (type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
  return value;
}

/** One line per place: of several complaints about one, the most telling. */
function describeFaults(errors: readonly SchemaError[], root: unknown): FieldFault[] {
  const faults = new Map<string, FieldFault>();
  const alternatives = new Map<string, string[]>();
  for (const error of errors) {
    if (error.keyword === 'type') {
      const types = alternatives.get(error.instancePath) ?? [];
      alternatives.set(error.instancePath, [...types, String((error.params as ErrorParams).type)]);
    }
    for (const fault of faultsOf(error, root)) if (!faults.has(fault.path)) faults.set(fault.path, fault);
    if (faults.size >= FAULTS_MAX) break;
  }
  for (const [pointer, types] of alternatives) {
    const fault = faults.get(dotted(pointer));
    if (fault !== undefined && types.length > 1) {
      faults.set(fault.path, { ...fault, expected: [...new Set(types)].join(' or ') });
    }
  }
  return [...faults.values()];
}

function faultsOf(error: SchemaError, root: unknown): FieldFault[] {
  const at = (pointer: string, expected: string, seen = show(pointer, root)) => ({
    path: dotted(pointer),
    seen,
    expected,
  });
  const below = (name: string) => `${error.instancePath}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  const params = error.params as ErrorParams;
  switch (error.keyword) {
    case 'anyOf':
    case 'additionalProperties':
      return []; // told of by the errors beside it
    case 'boolean': // the schema `false`, of a field that is not listed
      return [at(error.instancePath, 'no such field', 'a field')];
    case 'required':
      return params.requiredProperties.map((name) => at(below(name), 'a value', 'nothing'));
    case 'enum':
      return [at(error.instancePath, `one of ${params.allowedValues.join(', ')}`)];
    case 'type':
      return [at(error.instancePath, String(params.type))];
    case 'minLength':
    case 'maxLength':
    case 'minItems':
    case 'maxItems':
    case 'minProperties':
      return [at(error.instancePath, describeBound(error.keyword, params.limit))];
    default:
      return [at(error.instancePath, error.message.replace(/^must (?:be )?/, ''))];
  }
}

function describeBound(keyword: string, limit: number): string {
  const unit = keyword.endsWith('Length') ? 'characters' : keyword.endsWith('Items') ? 'entries' : 'fields';
  return `${keyword.startsWith('min') ? 'at least' : 'at most'} ${limit} ${unit}`;
}

/** The value at a JSON pointer, in a few characters; of a text that may be or hold a secret, only its length. */
function show(pointer: string, root: unknown): string {
  const keys = split(pointer);
  let value = root;
  for (const key of keys) value = (value as Record<string, unknown> | undefined)?.[key];
  if (value === undefined) return 'nothing';
  const secret = keys.length === 0 || keys.some((key) => secretFields.test(key));
  if (typeof value === 'string' && secret) return `${value.length} characters`;
  if (secretFields.test(keys.at(-1) ?? '') && typeof value !== 'object') return typeof value;
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return printable(JSON.stringify(value)).slice(0, 80);
}

/** `/a/0/b` → `a[0].b` */
function dotted(pointer: string): string {
  return split(pointer)
    .map((key) => (/^\d+$/.test(key) ? `[${key}]` : `.${printable(key)}`))
    .join('')
    .replace(/^\./, '');
}

function split(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}
