/** Handlers of what a device reported and of what the cloud wants of it: state and history. */
import type { Resource } from '../domain/connector.ts';
import { AppError } from '../domain/errors.ts';
import { checkValue } from '../domain/resources.ts';
import { handle } from './context.ts';
import { checkTime } from './device-input.ts';
import { viewState } from './device-view.ts';
import { actorOf, findDevice } from './lookup.ts';
import { identityParams } from './schema/common.ts';
import { historyAnswer, historyQuery, stateAnswer, stateBody } from './schema/data.ts';
import { entry, targets } from './trail.ts';

const HISTORY_PAGE = 1000;
const SECOND = 1_000_000;

export const getState = handle({ params: identityParams, response: { 200: stateAnswer } }, async ({ deps, params }) => {
  const { ref, device, connector } = await findDevice(deps.store, params.connector, params.identity);
  return viewState(await deps.store.readState(ref), connector.settings.resources, device.created);
});

/** Sets what the cloud wants. NOT_SETTABLE, VALUE_REFUSED; nothing is set unless all can be. Answers the new state. */
export const patchState = handle(
  { params: identityParams, body: stateBody, response: { 200: stateAnswer } },
  async (call) => {
    const { deps, params, body, now } = call;
    const { ref, device, connector } = await findDevice(deps.store, params.connector, params.identity);
    const { resources } = connector.settings;
    const values = Object.fromEntries(
      Object.entries(body).map(([alias, value]) => [alias, settable(resources, alias, String(value))]),
    );
    const aliases = Object.keys(values);
    const known = await deps.store.readValues(ref, aliases);
    const before = Object.fromEntries(aliases.map((alias, at) => [alias, known[at]?.set ?? null]));
    const data = {
      ref,
      type: 'data_out',
      origin: actorOf(call).origin,
      timestamp: now,
      points: [{ timestamp: now, values }],
      undefinedPoints: [],
    } as const;
    await deps.store.append(data, entry(call, targets.device(params.connector, params.identity), before, values));
    return viewState(await deps.store.readState(ref), resources, device.created);
  },
);

/** The text to store, if the resource takes it. */
function settable(resources: Readonly<Record<string, Resource>>, alias: string, text: string): string {
  const resource = Object.hasOwn(resources, alias) ? resources[alias] : undefined;
  if (resource === undefined) throw new AppError('NOT_SETTABLE', { seen: alias, wanted: 'the alias of a resource' });
  if (!resource.settable) throw new AppError('NOT_SETTABLE', { seen: alias, wanted: 'a resource that is settable' });
  const fault = checkValue(resource, text);
  if (fault !== null) throw new AppError('VALUE_REFUSED', { seen: `${alias} = ${fault.seen}`, wanted: fault.wanted });
  return text;
}

/** Points, or with `bucket` (seconds) their summary; oldest first. */
export const getHistory = handle(
  { params: identityParams, querystring: historyQuery, response: { 200: historyAnswer } },
  async ({ deps, params, query, now }) => {
    checkTime(query.from, 'from');
    checkTime(query.to, 'to');
    const { ref } = await findDevice(deps.store, params.connector, params.identity);
    const { alias, from = 0, to = now, limit = HISTORY_PAGE, bucket } = query;
    if (bucket === undefined) return deps.store.readHistory(ref, { alias, from, to, limit });
    return deps.store.readBuckets(ref, { alias, from, to, limit }, bucket * SECOND);
  },
);
