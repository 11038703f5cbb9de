/** Handlers of tags: those of one device, and the names and values that a connector's devices carry. */

import { Type } from 'typebox';
import { AppError } from '../domain/errors.ts';
import { patchDevice, removeTag, replaceTags } from '../domain/operations.ts';
import { handle } from './context.ts';
import { checkTags } from './device-input.ts';
import { actorOf, findConnector, findDevice } from './lookup.ts';
import { closed, connectorParams, empty, identityParams, tagParams } from './schema/common.ts';
import { tagAnswer, tagBody, tagCounts, tagNames, tagsAnswer, tagsBody, tagValuesQuery } from './schema/device.ts';
import { audited } from './trail.ts';

const nameParams = closed({
  connector: Type.String({ description: 'id of the connector', maxLength: 64 }),
  name: Type.String({ description: 'name of the tag, percent-encoded' }),
});

export const getTags = handle({ params: identityParams, response: { 200: tagsAnswer } }, async ({ deps, params }) => {
  const { device } = await findDevice(deps.store, params.connector, params.identity);
  return { tags: device.tags };
});

/** Replaces all tags of the device. */
export const putTags = handle(
  { params: identityParams, body: tagsBody, response: { 200: tagsAnswer } },
  async (call) => {
    const { deps, params, body } = call;
    const { connector, identity } = params;
    await findConnector(deps.store, connector);
    checkTags(body);
    const decide = audited(call, connector, identity, (device) => replaceTags(device, body));
    const { found } = await deps.store.changeDevice(connector, identity, decide);
    return { tags: found!.device.tags };
  },
);

export const getTag = handle({ params: tagParams, response: { 200: tagAnswer } }, async ({ deps, params }) => {
  const { device } = await findDevice(deps.store, params.connector, params.identity);
  if (!Object.hasOwn(device.tags, params.name)) throw new AppError('TAG_UNKNOWN', { seen: params.name });
  return { name: params.name, values: device.tags[params.name] };
});

/** Sets the values of one tag. */
export const putTag = handle({ params: tagParams, body: tagBody, response: { 200: tagAnswer } }, async (call) => {
  const { deps, params, body } = call;
  const { connector, identity } = params;
  await findConnector(deps.store, connector);
  const tags = { [params.name]: body.values };
  checkTags(tags);
  const decide = audited(call, connector, identity, (device) => patchDevice(device, { tags }, actorOf(call)));
  const { found } = await deps.store.changeDevice(connector, identity, decide);
  return { name: params.name, values: found!.device.tags[params.name] };
});

/** TAG_UNKNOWN */
export const deleteTag = handle({ params: tagParams, response: { 204: empty } }, async (call) => {
  const { connector, identity, name } = call.params;
  const { store } = call.deps;
  await findConnector(store, connector);
  const decide = audited(call, connector, identity, (device) => removeTag(device, name));
  await store.changeDevice(connector, identity, decide);
});

export const listTagNames = handle(
  { params: connectorParams, response: { 200: tagNames } },
  async ({ deps, params }) => {
    await findConnector(deps.store, params.connector);
    return { names: await deps.store.listTagNames(params.connector) };
  },
);

/** The values that devices have under one name, with the number of devices each. */
export const countTagValues = handle(
  { params: nameParams, querystring: tagValuesQuery, response: { 200: tagCounts } },
  async ({ deps, params, query }) => {
    await findConnector(deps.store, params.connector);
    return { name: params.name, values: await deps.store.countTagValues(params.connector, params.name, query) };
  },
);
