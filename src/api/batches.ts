/** Handlers of batches: what came in together, and its undoing. */
import { AppError } from '../domain/errors.ts';
import { handle } from './context.ts';
import { actorOf, findConnector } from './lookup.ts';
import { batchList, batchParams } from './schema/batch.ts';
import { connectorParams, ref } from './schema/common.ts';
import { entry, targets } from './trail.ts';

export const listBatches = handle(
  { params: connectorParams, response: { 200: batchList } },
  async ({ deps, params }) => {
    await findConnector(deps.store, params.connector);
    return { batches: await deps.store.listBatches(params.connector) };
  },
);

/** BATCH_UNKNOWN */
export const getBatch = handle({ params: batchParams, response: { 200: ref('Batch') } }, async ({ deps, params }) => {
  await findConnector(deps.store, params.connector);
  const batch = await deps.store.getBatch(params.connector, params.batch);
  if (batch === null) throw new AppError('BATCH_UNKNOWN', { seen: params.batch });
  return batch;
});

/** Removes the devices of a batch, as long as none of them has been provisioned. BATCH_UNKNOWN, BATCH_BUSY, STATE_CONFLICT. */
export const undoBatch = handle({ params: batchParams, response: { 200: ref('Batch') } }, async (call) => {
  const { deps, params, now } = call;
  const { connector, batch } = params;
  await findConnector(deps.store, connector);
  const known = await deps.store.getBatch(connector, batch);
  const before = known && { name: known.name, count: known.count };
  const told = entry(call, targets.batch(connector, batch), before, null);
  return deps.store.undoBatch(connector, batch, actorOf(call).origin, now, told);
});
