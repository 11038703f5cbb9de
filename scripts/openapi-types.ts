/**
 * Writes the types of the console's client, `console/api/schema.ts`, from the OpenAPI document that the server makes. With
 * `--check` it only says whether they are up to date. (openapi-typescript needs a TypeScript whose compiler is JavaScript.)
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createApi } from '../src/api/app.ts';
import type { ApiDeps } from '../src/api/context.ts';
import { version } from '../src/version.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly description?: string;
}
interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}
interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema: Schema;
  }[];
  readonly requestBody?: Content & { readonly required?: boolean };
  readonly responses: Readonly<Record<string, Content>>;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const target = join(import.meta.dirname, '../console/api/schema.ts');

/** A schema as a type. Knows what the server's own schemas use, and ends with an error at anything else. */
function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return `components['schemas']['${schema.$ref.split('/').at(-1)}']`;
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return choices.map(typeOf).join(' | ');
  switch (schema.type) {
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type;
    case 'integer':
    case 'number':
      return 'number';
    case 'array':
      return `(${typeOf(schema.items ?? {})})[]`;
    case 'object':
      return objectOf(schema);
    case undefined:
      return 'unknown';
    default:
      throw new Error(`no type for ${JSON.stringify(schema)}`);
  }
}

function objectOf({ properties = {}, required = [], additionalProperties }: Schema): string {
  const fields = Object.entries(properties).map(([name, schema]) => {
    const about = schema.description === undefined ? '' : `/** ${schema.description} */ `;
    return `${about}${keyOf(name)}${required.includes(name) ? '' : '?'}: ${typeOf(schema)};`;
  });
  if (fields.length > 0) return `{ ${fields.join(' ')} }`;
  if (typeof additionalProperties === 'object') return `{ [key: string]: ${typeOf(additionalProperties)} }`;
  return additionalProperties === false ? 'Record<string, never>' : 'Record<string, unknown>';
}

const keyOf = (name: string) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));

function parametersOf({ parameters = [] }: Operation): string {
  const places = ['query', 'header', 'path', 'cookie'].map((place) => {
    const own = parameters.filter((parameter) => parameter.in === place);
    if (own.length === 0) return `${place}?: never;`;
    const fields = own.map(({ name, required, schema }) => `${keyOf(name)}${required ? '' : '?'}: ${typeOf(schema)};`);
    return `${place}${own.some(({ required }) => required) ? '' : '?'}: { ${fields.join(' ')} };`;
  });
  return `{ ${places.join(' ')} }`;
}

function contentOf({ content }: Content): string {
  if (content === undefined) return 'never';
  const kinds = Object.entries(content).map(([kind, { schema = {} }]) => `${JSON.stringify(kind)}: ${typeOf(schema)};`);
  return `{ ${kinds.join(' ')} }`;
}

function operationOf(operation: Operation): string {
  const { requestBody, responses, summary } = operation;
  const body =
    requestBody === undefined
      ? 'requestBody?: never;'
      : `requestBody${requestBody.required ? '' : '?'}: { content: ${contentOf(requestBody)} };`;
  const answers = Object.entries(responses).map(
    ([status, answer]) =>
      `${/^\d+$/.test(status) ? status : JSON.stringify(status)}: { headers: Record<string, unknown>; content${answer.content === undefined ? '?' : ''}: ${contentOf(answer)} };`,
  );
  const about = summary === undefined ? '' : `/** ${summary} */\n`;
  return `${about}{ parameters: ${parametersOf(operation)}; ${body} responses: { ${answers.join(' ')} } }`;
}

function source({ paths, components }: Document): string {
  const rows = Object.entries(paths).map(([path, methods]) => {
    const calls = Object.entries(methods).map(([method, operation]) => `${method}: ${operationOf(operation)};`);
    return `${JSON.stringify(path)}: { ${calls.join('\n')} };`;
  });
  const schemas = Object.entries(components.schemas).map(([name, schema]) => `${name}: ${typeOf(schema)};`);
  return `/** Made by scripts/openapi-types.ts from the OpenAPI document of the server: not to be changed by hand. */
export interface paths { ${rows.join('\n')} }
export interface components { schemas: { ${schemas.join('\n')} } }
`;
}

/** The file as it should be. */
export async function makeTypes(): Promise<string> {
  // The document follows from the routes alone: nothing of a running server is needed for it.
  const app = createApi({ version } as ApiDeps);
  await app.ready();
  const text = source(app.swagger() as unknown as Document);
  await app.close();
  return text;
}

if (import.meta.main) {
  const text = await makeTypes();
  if (!process.argv.includes('--check')) writeFileSync(target, text);
  else if (readFileSync(target, 'utf8') !== text) {
    console.error('console/api/schema.ts is not what the server says; run: npm run api-types');
    process.exitCode = 1;
  }
}
