/** Handlers that take files in: `PUT` with the file as its body, `POST` as a form. Either way the bytes pass through. */
import type { Readable } from 'node:stream';
import type { Multipart } from '@fastify/multipart';
import {
  checkContentMeta,
  checkContentName,
  checkContentType,
  parseOffer,
  storeFromPerson,
} from '../../domain/content.ts';
import { AppError } from '../../domain/errors.ts';
import type { StagedContent } from '../../store/store.ts';
import { expectLive } from '../admit.ts';
import { type Call, handle } from '../context.ts';
import { actorOf, findConnector } from '../lookup.ts';
import { connectorParams, ref } from '../schema/common.ts';
import { contentParams, putQuery } from '../schema/content.ts';
import { auditedContent } from '../trail.ts';
import { schemaError } from '../validation.ts';
import { bytesOf, expectLength, receiving } from './incoming.ts';
import { viewContent } from './view.ts';

/** What a multipart form adds to its file. */
const FORM_BYTES = 65_536;

/** What is said of a file beside its bytes. */
interface Described {
  readonly id: string;
  readonly type: string | undefined;
  readonly meta: string | undefined;
  readonly offer: string | undefined;
}

type Taking = Pick<Call, 'deps' | 'state' | 'caller' | 'request' | 'now' | 'action'>;

/** CONTENT_INVALID, BODY_TOO_LARGE, CONTENT_LIMIT, STORAGE_FULL, ROLLOUT_STATE; whatever ends it early leaves nothing behind. */
export const putContent = handle(
  { params: contentParams, querystring: putQuery, response: { 201: ref('Content') } },
  async (call) => {
    const { params, query, request } = call;
    await findConnector(call.deps.store, params.connector);
    return receiving(call, async () => {
      const described = { id: params.content, type: request.headers['content-type'], ...pick(query) };
      check(described);
      const staged = await stage(call, request.body as Readable | undefined, 0);
      return keep(call, params.connector, described, staged);
    });
  },
);

/** The same, with the fields of a form in any order. */
export const postContent = handle({ params: connectorParams, response: { 201: ref('Content') } }, async (call) => {
  await findConnector(call.deps.store, call.params.connector);
  if (!call.request.isMultipart()) {
    throw new AppError('MEDIA_TYPE', { seen: call.request.headers['content-type'], wanted: 'multipart/form-data' });
  }
  return receiving(call, async () => {
    const { staged, described } = await readForm(call);
    return keep(call, call.params.connector, described, staged);
  });
});

const pick = ({ meta, offer }: { meta?: string; offer?: string }) => ({ meta, offer });

/** CONTENT_INVALID */
function check({ id, type, meta, offer }: Described) {
  return {
    id: checkContentName(id),
    type: checkContentType(type),
    meta: checkContentMeta(meta ?? ''),
    ...(offer !== undefined && { offer: parseOffer(offer) }),
  };
}

async function stage({ deps, request }: Taking, source: Readable | undefined, besides: number): Promise<StagedContent> {
  const { contentFileBytes: file, contentTotalBytes: total } = deps.config;
  expectLength(request, file + besides);
  return deps.store.stageContent(bytesOf(source), { file, total });
}

/** Makes what came in the file's bytes. */
async function keep(call: Taking, connector: string, described: Described, staged: StagedContent): Promise<unknown> {
  const { deps, caller } = call;
  try {
    const given = { ...check(described), bytes: staged.bytes, sha256: staged.sha256, who: actorOf(call).who };
    // A large file may take its time.
    await expectLive(deps.store, caller!, deps.clock());
    const decide = auditedContent({ ...call, now: deps.clock() }, connector, given.id, (before) => {
      const content = storeFromPerson(before, given, deps.clock());
      return { answer: content, content };
    });
    const stored = await deps.store.changeContent(connector, given.id, decide, staged);
    deps.logger.info('content stored', { connector, id: stored.id, bytes: stored.bytes });
    return viewContent(stored);
  } finally {
    await staged.discard();
  }
}

async function readForm(call: Taking): Promise<{ staged: StagedContent; described: Described }> {
  const fields: Record<string, string | undefined> = {};
  let file: { staged: StagedContent; name: string; type: string } | undefined;
  try {
    for await (const part of partsOf(call)) {
      if (part.type === 'file' && part.fieldname === 'file' && file === undefined) {
        file = { staged: await stage(call, part.file, FORM_BYTES), name: part.filename, type: part.mimetype };
      } else if (part.type === 'field' && ['id', 'type', 'meta', 'offer'].includes(part.fieldname)) {
        fields[part.fieldname] = String(part.value);
      } else {
        throw schemaError([
          { path: part.fieldname, seen: `a ${part.type}`, expected: 'file, id, type, meta and offer, once' },
        ]);
      }
    }
    if (file === undefined) throw schemaError([{ path: 'file', seen: 'nothing', expected: 'a file' }]);
    const { id = file.name, type = file.type, meta, offer } = fields;
    return { staged: file.staged, described: { id, type, meta, offer } };
  } catch (error) {
    await file?.staged.discard();
    throw error;
  }
}

async function* partsOf({ request }: Taking): AsyncGenerator<Multipart, void, undefined> {
  try {
    yield* request.parts({ limits: { fileSize: Number.POSITIVE_INFINITY, fields: 10, files: 2 } });
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError('BODY_INVALID', { seen: (cause as Error).message, wanted: 'a form with a file', cause });
  }
}
