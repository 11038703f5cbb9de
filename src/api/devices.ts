/** Handlers of devices: list, count, whitelist, make, show, change, remove. The rules are in domain/operations.ts. */
import { randomBytes } from 'node:crypto';
import type { ConnectorSettings } from '../domain/connector.ts';
import { AppError } from '../domain/errors.ts';
import { SAMPLE_BYTES, sampleIdentity } from '../domain/identity.ts';
import { patchDevice, removeDevice, type WhitelistRequest, whitelist } from '../domain/operations.ts';
import type { DeviceFilter, Found, Store } from '../store/store.ts';
import { handle } from './context.ts';
import { checkTags, checkTime } from './device-input.ts';
import { viewCredential, viewDevice, viewState } from './device-view.ts';
import { givenCredential } from './given-key.ts';
import { actorOf, findConnector, findDevice } from './lookup.ts';
import { connectorParams, empty, identityParams, ref } from './schema/common.ts';
import {
  count,
  countQuery,
  devicePage,
  generateBody,
  listQuery,
  patchBody,
  upsertQuery,
  whitelistBody,
} from './schema/device.ts';
import { audited } from './trail.ts';
import { schemaError } from './validation.ts';

const PAGE = 100;
/** How often a made-up identity may turn out to be known before we say so. */
const GENERATE_TRIES = 20;

export const listDevices = handle(
  { params: connectorParams, querystring: listQuery, response: { 200: devicePage } },
  async ({ deps, params, query, now }) => {
    const { settings } = await findConnector(deps.store, params.connector);
    const { limit = PAGE, sort = '-activity', cursor } = query;
    const page = await deps.store.listDevices(params.connector, filterOf(query), { limit, sort, cursor }, now);
    const devices = page.devices.map((device) => viewDevice(device, settings.provisioning.auth_type, now));
    return { mayLoadMore: page.cursor !== null, cursor: page.cursor, devices };
  },
);

export const countDevices = handle(
  { params: connectorParams, querystring: countQuery, response: { 200: count } },
  async ({ deps, params, query, now }) => {
    await findConnector(deps.store, params.connector);
    return { count: await deps.store.countDevices(params.connector, filterOf(query), now) };
  },
);

/** 201 for a new identity, 200 for a known one with `?upsert=true`, else DEVICE_KNOWN. */
export const whitelistDevice = handle(
  {
    params: identityParams,
    querystring: upsertQuery,
    body: whitelistBody,
    response: { 201: ref('Identity'), 200: ref('Identity') },
  },
  async (call) => {
    const { deps, params, query, body, now } = call;
    const { settings } = await findConnector(deps.store, params.connector);
    checkTime(body.auth?.expire);
    checkTags(body.tags);
    const defaultType = settings.provisioning.auth_type;
    const request: WhitelistRequest = {
      identity: params.identity,
      authType: body.auth?.type,
      credential: await givenCredential(body.auth ?? {}, params.identity, defaultType),
      expire: body.auth?.expire,
      locked: body.locked,
      tags: body.tags,
    };
    const { connector, identity } = params;
    const decide = audited(call, connector, identity, (device) =>
      whitelist(device, request, settings, query.upsert ?? false, actorOf(call)),
    );
    const { answer, found } = await deps.store.changeDevice(connector, identity, decide);
    call.reply.code(answer ? 201 : 200);
    return viewWhole(deps.store, found!, settings, now);
  },
);

/** GENERATE_DISABLED; STATE_CONFLICT when the format has hardly any identity left. */
export const generateDevice = handle(
  { params: connectorParams, body: generateBody, response: { 201: ref('Identity') } },
  async (call) => {
    const { deps, params, body, now } = call;
    const { settings } = await findConnector(deps.store, params.connector);
    if (!settings.provisioning.generate_identity) {
      throw new AppError('GENERATE_DISABLED', { seen: 'provisioning.generate_identity false', wanted: 'true' });
    }
    checkTime(body.auth?.expire);
    checkTags(body.tags);
    const wish = { authType: body.auth?.type, expire: body.auth?.expire, locked: body.locked, tags: body.tags };
    for (let i = 0; i < GENERATE_TRIES; i++) {
      const identity = sampleIdentity(settings.identity_format, randomBytes(SAMPLE_BYTES));
      const decide = audited(call, params.connector, identity, (device) =>
        device === null ? whitelist(null, { identity, ...wish }, settings, false, actorOf(call)) : { answer: false },
      );
      const { answer, found } = await deps.store.changeDevice(params.connector, identity, decide);
      if (answer) return viewDevice(found!.device, settings.provisioning.auth_type, now);
    }
    throw new AppError('STATE_CONFLICT', {
      seen: `${GENERATE_TRIES} random identities, all of them known`,
      wanted: 'an identity format with more room',
    });
  },
);

export const getDevice = handle({ params: identityParams, response: { 200: ref('Identity') } }, async (call) => {
  const { deps, params, now } = call;
  const { connector, ...found } = await findDevice(deps.store, params.connector, params.identity);
  return viewWhole(deps.store, found, connector.settings, now);
});

/** With what it takes another question to know; lists do without. */
async function viewWhole(
  store: Store,
  { ref, device }: Found,
  { resources, provisioning }: ConnectorSettings,
  now: number,
) {
  return {
    ...viewDevice(device, provisioning.auth_type, now),
    state: viewState(await store.readState(ref), resources, device.created),
    credential: viewCredential(device.credential),
  };
}

export const changeDevice = handle(
  { params: identityParams, body: patchBody, response: { 200: ref('Identity') } },
  async (call) => {
    const { deps, params, body, now } = call;
    const { settings } = await findConnector(deps.store, params.connector);
    checkTime(body.auth?.expire);
    checkTags(body.tags);
    const { locked, reprovision, tags } = body;
    const patch = { locked, reprovision, tags, expire: body.auth?.expire };
    const { connector, identity } = params;
    const decide = audited(call, connector, identity, (device) => patchDevice(device, patch, actorOf(call)));
    const { found } = await deps.store.changeDevice(connector, identity, decide);
    return viewWhole(deps.store, found!, settings, now);
  },
);

export const deleteDevice = handle({ params: identityParams, response: { 204: empty } }, async (call) => {
  const { deps, params } = call;
  await findConnector(deps.store, params.connector);
  const { connector, identity } = params;
  const decide = audited(call, connector, identity, (device) => removeDevice(device, actorOf(call)));
  await deps.store.changeDevice(connector, identity, decide);
});

interface FilterQuery extends Omit<DeviceFilter, 'tags' | 'certificateExpiresBefore'> {
  readonly certificate_expires_before?: number;
  readonly tag?: readonly string[];
}

/** As requests have it, to what the store takes. SCHEMA for a tag that is none. */
export function filterOf(query: FilterQuery): DeviceFilter {
  const { status, identity, ipaddress, batch, online, before, certificate_expires_before, tag } = query;
  const ends = { certificateExpiresBefore: certificate_expires_before };
  return { status, identity, ipaddress, batch, online, before, ...ends, tags: tag?.map(readTag) };
}

/** `<name>:<value>`; the value may have colons. */
function readTag(text: string): { name: string; value: string } {
  const colon = text.indexOf(':');
  if (colon < 1) throw schemaError([{ path: 'tag', seen: text, expected: '<name>:<value>' }]);
  return { name: text.slice(0, colon), value: text.slice(colon + 1) };
}
