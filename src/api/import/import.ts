/**
 * Handler of `POST …/identities`: whitelisting in bulk (provisioning.md). All or nothing unless `mode=skip`; with
 * `dry_run` nothing is written. The rows stream through the store's stage and are never held in memory.
 */
import { randomBytes } from 'node:crypto';
import type { ConnectorSettings } from '../../domain/connector.ts';
import { AppError } from '../../domain/errors.ts';
import { windowEnd } from '../../domain/operations.ts';
import type { BatchInfo, ImportReview, ImportStage } from '../../store/store.ts';
import { expectLive } from '../admit.ts';
import { type Call, handle } from '../context.ts';
import { checkTime } from '../device-input.ts';
import { actorOf, findConnector } from '../lookup.ts';
import { importAnswer, importQuery } from '../schema/batch.ts';
import { connectorParams } from '../schema/common.ts';
import { entry, targets } from '../trail.ts';
import { schemaError } from '../validation.ts';
import { answerWithProgress, type Report } from './progress.ts';
import { stageRows, type Tally } from './rows.ts';
import { asOneOfFew } from './turns.ts';
import { readUpload, type UploadFields } from './upload.ts';

interface ImportQuery {
  readonly dry_run?: boolean;
  readonly mode?: string;
  readonly expire?: number;
  readonly name?: string;
}

const schema = { params: connectorParams, querystring: importQuery, response: { 200: importAnswer } };

/** CSV_INVALID, IMPORT_REFUSED with the bad rows, IMPORT_LIMIT; whatever ends it early, also the client, leaves nothing behind. */
export const importIdentities = handle(schema, async (call) => {
  const { store } = call.deps;
  const { settings } = await findConnector(store, call.params.connector);
  checkWindow(call.query.expire, call.now);
  const work = async (report: Report) => {
    const stage = await store.openImport(call.params.connector);
    try {
      return await run(call as unknown as Call, call.params.connector, call.query, stage, settings, report);
    } finally {
      await stage.discard();
    }
  };
  return asOneOfFew(call as unknown as Call, () => answerWithProgress(call as unknown as Call, work));
});

async function run(
  call: Call,
  connector: string,
  query: ImportQuery,
  stage: ImportStage,
  settings: ConnectorSettings,
  report: Report,
): Promise<unknown> {
  let tally: Tally | undefined;
  const fields = await readUpload(call.request, async (bytes) => {
    tally = await stageRows(bytes, stage, settings.identity_format, report);
  });
  checkWindow(fields.expire, call.now);
  const review = await stage.review(call.now);
  const summary = summarize(tally!, review);
  if (query.dry_run === true) return { ...summary, batch: null };
  if (tally!.bad > 0 && query.mode !== 'skip') {
    const seen = `${tally!.bad} bad of ${tally!.total} rows`;
    throw new AppError('IMPORT_REFUSED', { seen, wanted: 'none, or ?mode=skip', details: summary });
  }
  // An upload may take hours.
  await expectLive(call.deps.store, call.caller!, call.deps.clock());
  const batch = describeBatch(call, query, fields);
  // Nothing is written of it: no batch, no event. Who asked is told what an empty one would be.
  if (review.fresh === 0) return { ...summary, batch: { ...batch, state: 'done', count: 0 } };
  const expiresAt = fields.expire ?? query.expire ?? windowEnd(settings, call.now);
  const told = { name: batch.name, rows: review.fresh, expire: expiresAt };
  const written = await stage.apply(
    batch,
    expiresAt,
    (rows, total) => report({ phase: 'writing', rows, total }),
    entry(call, targets.batch(connector, batch.id), null, told),
  );
  call.deps.logger.info('import written', { connector, batch: written.id, count: written.count });
  return { ...summary, batch: written };
}

function summarize(tally: Tally, review: ImportReview) {
  return {
    total: tally.total,
    new: review.fresh,
    duplicates: review.duplicates,
    known: review.known,
    bad: tally.bad,
    rows: tally.faults,
    repeated: tally.repeated.map(({ line, identity, firstLine }) => ({ line, identity, first_line: firstLine })),
  };
}

function describeBatch(call: Call, query: ImportQuery, fields: UploadFields): Omit<BatchInfo, 'state' | 'count'> {
  const name = query.name ?? fields.filename ?? `Import of ${new Date(call.now / 1000).toISOString().slice(0, 19)}Z`;
  return { id: randomBytes(8).toString('hex'), name: name.slice(0, 200), who: actorOf(call).who, created: call.now };
}

/** A window that is already closed would let nobody in. */
function checkWindow(expire: number | undefined, now: number): void {
  checkTime(expire, 'expire');
  if (expire !== undefined && expire <= now) {
    throw schemaError([{ path: 'expire', seen: String(expire), expected: `a time to come; now is ${now}` }]);
  }
}
