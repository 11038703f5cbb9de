/** Handlers of webhooks: list, make, change, remove, what happened, and again from a number. They are sent by events/webhooks. */
import { randomBytes } from 'node:crypto';
import { AppError } from '../domain/errors.ts';
import { checkTarget, resumed, startAt, stateOf, WEBHOOKS_MAX, type Webhook } from '../domain/webhook.ts';
import { purposeOf } from '../events/webhooks/run.ts';
import { type ApiDeps, handle } from './context.ts';
import { findConnector } from './lookup.ts';
import { connectorParams, empty, ref } from './schema/common.ts';
import { deliveryList, newWebhook, replayBody, webhookList, webhookParams, webhookPatch } from './schema/webhook.ts';
import { changeEntry, entry, targets, tellPlace, tellWebhook } from './trail.ts';

export const listWebhooks = handle(
  { params: connectorParams, response: { 200: webhookList } },
  async ({ deps, params }) => {
    await findConnector(deps.store, params.connector);
    return { webhooks: (await deps.store.listWebhooks(params.connector)).map((hook) => view(hook)) };
  },
);

/** Begins with what happens from now on. WEBHOOK_TARGET, WEBHOOK_LIMIT. */
export const createWebhook = handle(
  { params: connectorParams, body: newWebhook, response: { 201: ref('Webhook') } },
  async (call) => {
    const { deps, params, body, now } = call;
    await findConnector(deps.store, params.connector);
    expectTarget(deps, body.url);
    const id = randomBytes(8).toString('hex');
    const secret = makeSecret();
    const hook: Webhook = {
      ...startAt(await deps.store.lastSeq(), now),
      id,
      connector: params.connector,
      url: body.url,
      types: [...new Set(body.types ?? [])],
      enabled: body.enabled ?? true,
      secret: deps.seal.close(purposeOf(id), secret),
      created: now,
      generation: 1,
    };
    const told = entry(call, targets.webhook(params.connector, id), null, tellWebhook(hook));
    await deps.store.createWebhook(hook, WEBHOOKS_MAX, told);
    return view(hook, secret);
  },
);

/** What is switched on, or sent elsewhere, is tried at once. WEBHOOK_UNKNOWN, WEBHOOK_TARGET. */
export const changeWebhook = handle(
  { params: webhookParams, body: webhookPatch, response: { 200: ref('Webhook') } },
  async (call) => {
    const { deps, params, body } = call;
    await findConnector(deps.store, params.connector);
    const { url, types, enabled } = body;
    if (url !== undefined) expectTarget(deps, url);
    const secret = body.rotate_secret === true ? makeSecret() : undefined;
    const decide = (hook: Webhook): Webhook => ({
      ...(url !== undefined || enabled === true ? resumed(hook) : hook),
      url: url ?? hook.url,
      types: types === undefined ? hook.types : [...new Set(types)],
      enabled: enabled ?? hook.enabled,
      secret: secret === undefined ? hook.secret : deps.seal.close(purposeOf(hook.id), secret),
    });
    const target = targets.webhook(params.connector, params.hook);
    const changed = await deps.store.changeWebhook(params.connector, params.hook, decide, (before, after) =>
      changeEntry(call, target, tellWebhook(before), tellWebhook(after, secret !== undefined)),
    );
    return view(changed, secret);
  },
);

/** WEBHOOK_UNKNOWN */
export const deleteWebhook = handle({ params: webhookParams, response: { 204: empty } }, async (call) => {
  const { deps, params } = call;
  await findConnector(deps.store, params.connector);
  const told = (hook: Webhook) => entry(call, targets.webhook(params.connector, hook.id), tellWebhook(hook), null);
  if (!(await deps.store.deleteWebhook(params.connector, params.hook, told))) throw unknown(params.hook);
});

/** WEBHOOK_UNKNOWN */
export const listDeliveries = handle(
  { params: webhookParams, response: { 200: deliveryList } },
  async ({ deps, params }) => {
    await findConnector(deps.store, params.connector);
    return { deliveries: await deps.store.listDeliveries(params.connector, params.hook) };
  },
);

/** Everything behind a number once more, or with a later number nothing up to there. WEBHOOK_UNKNOWN */
export const replayWebhook = handle(
  { params: webhookParams, body: replayBody, response: { 200: ref('Webhook') } },
  async (call) => {
    const { deps, params, body, now } = call;
    await findConnector(deps.store, params.connector);
    const position = Math.min(body.after, await deps.store.lastSeq());
    const decide = (hook: Webhook): Webhook => ({ ...resumed(hook), position, reachedAt: now, missed: null });
    const target = targets.webhook(params.connector, params.hook);
    const changed = await deps.store.changeWebhook(params.connector, params.hook, decide, (before, after) =>
      entry(call, target, tellPlace(before), tellPlace(after)),
    );
    return view(changed);
  },
);

function expectTarget({ config }: ApiDeps, url: string): void {
  const fault = checkTarget(url, config.webhookAllow);
  if (fault !== null) throw new AppError('WEBHOOK_TARGET', { seen: fault.seen, wanted: fault.wanted });
}

const unknown = (id: string) => new AppError('WEBHOOK_UNKNOWN', { seen: id });

/** 256 bits, with a beginning that scanners for secrets can know. */
const makeSecret = () => `slipway_wh_${randomBytes(32).toString('base64url')}`;

function view(hook: Webhook, secret?: string) {
  const { id, url, types, enabled, created, position, failures, missed } = hook;
  return {
    ...{ id, url, types, enabled, created, state: stateOf(hook), position, failures },
    failing_since: hook.failingSince,
    next_try: hook.nextTry,
    paused_at: hook.pausedAt,
    last_success: hook.lastSuccess,
    missed,
    ...(secret !== undefined && { secret }),
  };
}
