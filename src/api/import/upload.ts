/**
 * Takes the file of an import out of its request: a `text/csv` body, or a multipart form with `identities` and `expire`
 * in either order. Hands over a stream, never the whole file; what CSV is, is not its business.
 */
import type { Readable } from 'node:stream';
import type { Multipart, MultipartFile, MultipartValue } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../../domain/errors.ts';
import { schemaError } from '../validation.ts';

/** The fields beside the file. */
export interface UploadFields {
  /** As the form's text says, in µs. */
  readonly expire?: number;
  readonly filename?: string;
}

type TakeFile = (bytes: AsyncIterable<Uint8Array>) => Promise<void>;

const wanted = 'the field "identities" with a CSV file';

/**
 * Gives the file's bytes to `take` as they arrive. CSV_INVALID without a file; SCHEMA for fields that are not known. After
 * a failure the rest of the request is read and dropped, so that the client gets to see the answer.
 */
export async function readUpload(request: FastifyRequest, take: TakeFile): Promise<UploadFields> {
  try {
    if (request.isMultipart?.()) return await readForm(request, take);
    if (request.body === undefined) throw new AppError('CSV_INVALID', { seen: 'no body', wanted: 'a CSV file' });
    await take(bytesOf(request.body as Readable));
    return {};
  } catch (error) {
    request.raw.unpipe();
    request.raw.resume();
    throw error;
  }
}

async function readForm(request: FastifyRequest, take: TakeFile): Promise<UploadFields> {
  let fields: UploadFields | undefined;
  let expire: number | undefined;
  for await (const part of partsOf(request)) {
    if (part.fieldname === 'expire' && part.type === 'field') {
      expire = readExpire(part);
    } else if (part.fieldname === 'identities') {
      if (fields !== undefined)
        throw schemaError([{ path: 'identities', seen: 'a second file', expected: 'one file' }]);
      await take(part.type === 'file' ? bytesOf(part.file) : textOf(part));
      fields = part.type === 'file' ? { filename: nameOf(part) } : {};
    } else {
      throw schemaError([{ path: part.fieldname, seen: 'a field', expected: 'identities and expire only' }]);
    }
  }
  if (fields === undefined) throw new AppError('CSV_INVALID', { seen: 'a form without a file', wanted });
  return { ...fields, expire };
}

async function* partsOf(request: FastifyRequest): AsyncGenerator<Multipart, void, undefined> {
  const limits = { fileSize: Number.POSITIVE_INFINITY, fields: 10, files: 2 };
  try {
    yield* request.parts({ limits });
  } catch (cause) {
    throw broken(cause);
  }
}

/** Leaves the source open when its reader stops early: destroying it would cut the connection before the answer. */
async function* bytesOf(source: Readable): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const chunk of source.iterator({ destroyOnReturn: false })) yield chunk as Uint8Array;
  } catch (cause) {
    throw broken(cause);
  }
}

/** What the bytes of a form, or their coming, can do wrong: no boundary, a part that does not end, an upload given up. */
function broken(cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  return new AppError('BODY_INVALID', { seen: (cause as Error).message, wanted, cause });
}

/** A small file that was sent as plain text of a field. */
async function* textOf(part: MultipartValue): AsyncGenerator<Uint8Array, void, undefined> {
  if (part.valueTruncated) throw new AppError('CSV_INVALID', { seen: 'a text field over 1 MiB', wanted });
  yield Buffer.from(String(part.value));
}

function readExpire(part: MultipartValue): number {
  const text = String(part.value);
  if (/^\d{1,16}$/.test(text)) return Number(text);
  throw schemaError([{ path: 'expire', seen: text, expected: 'µs since the epoch' }]);
}

function nameOf({ filename }: MultipartFile): string | undefined {
  return filename === '' ? undefined : filename;
}
