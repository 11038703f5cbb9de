/**
 * The route table of the management API: its table of contents. Router, permission check and OpenAPI document are all
 * made from these rows. Paths are written as OpenAPI does; a trailing slash makes no difference.
 */
import { changeOwnAccount, endOwnSession, listOwnSessions, setPasswordByLink } from './account.ts';
import { exportAudit, listAudit } from './audit.ts';
import { getBatch, listBatches, undoBatch } from './batches.ts';
import { cancelJob, getJob, listJobs, undoJob, updateDevices } from './bulk.ts';
import { changeConnector, createConnector, deleteConnector, getConnector, listConnectors } from './connectors.ts';
import {
  changeContent,
  deleteContent,
  describeContent,
  downloadContent,
  listContent,
  listFetches,
} from './content/content.ts';
import { actOnRollout, startContentRollout, stopRollout } from './content/rollout.ts';
import { postContent, putContent } from './content/store.ts';
import type { Demands, Permission, Route } from './context.ts';
import {
  changeDevice,
  countDevices,
  deleteDevice,
  generateDevice,
  getDevice,
  listDevices,
  whitelistDevice,
} from './devices.ts';
import { exportEvents, listEvents, streamEvents } from './events.ts';
import { explain } from './explain.ts';
import { beginFactor, confirmFactor, removeFactor } from './factor.ts';
import { getFigures, getStanding } from './figures.ts';
import { healthz, readyz } from './health.ts';
import { importIdentities } from './import/import.ts';
import { createKey, deleteKey, listKeys } from './keys.ts';
import { metrics } from './metrics.ts';
import { finishProvider, listSignInWays, startProvider } from './provider.ts';
import { importBody } from './schema/batch.ts';
import { contentBody, contentForm } from './schema/content.ts';
import { getServer } from './server-facts.ts';
import {
  closeCookieSession,
  openCookieSession,
  proveSession,
  readCookieSession,
  signIn,
  signOut,
  whoAmI,
} from './session.ts';
import { decodeCertificate, decodeCrl, getSettings, patchSettings } from './settings.ts';
import { getHistory, getState, patchState } from './state.ts';
import { countTagValues, deleteTag, getTag, getTags, listTagNames, putTag, putTags } from './tags.ts';
import {
  changeUser,
  createUser,
  deleteUser,
  endSessionOf,
  endSessionsOf,
  listSessionsOf,
  listUsers,
  makeLink,
  removeFactorOf,
} from './users.ts';
import {
  changeWebhook,
  createWebhook,
  deleteWebhook,
  listDeliveries,
  listWebhooks,
  replayWebhook,
} from './webhooks.ts';

const connector = '/api:1/connectors/{connector}';
const webhook = `${connector}/webhooks/{hook}`;
const own = '/api:1/users/me';
const user = '/api:1/users/{user}';
const device2 = '/api:1/service/{connector}/device2';
const device = `${device2}/identity/{identity}`;
const content = `${device2}/content/{content}`;

/** A row: who may, what, where, under which name, how it is told to people, and who does it. */
function row(
  permission: Permission,
  method: Route['method'],
  path: string,
  id: string,
  summary: string,
  made: Pick<Route, 'schema' | 'handler'>,
  more: Pick<Route, 'status' | 'kind' | 'bodyLimit' | 'description' | 'upload'> & { readonly demands?: Demands } = {},
): Route {
  return { permission, demands: {}, method, path, id, summary, tag: tagOf(path), ...made, ...more };
}

/** What concerns everybody and everything. */
const installation = { installation: true };
const person = { person: true };
/** What somebody with a stolen cookie must not be able to do. */
const proof = { person: true, proof: true };
const managing = { installation: true, ...proof };

function tagOf(path: string): string {
  if (!path.startsWith('/api:1')) return 'Health';
  if (path.startsWith(device2))
    return /\/(events|batches|jobs|tags|figures|content)/.exec(path.slice(device2.length))?.[1] ?? 'devices';
  if (path.startsWith(`${connector}/webhooks`)) return 'webhooks';
  const [, named] = /^\/api:1\/(connectors|keys|audit)/.exec(path) ?? [];
  if (named !== undefined) return named;
  return path === '/api:1/users' || path.startsWith('/api:1/users/{') ? 'users' : 'account';
}

const csv = `CSV with a header row: ID (required), TLS Client Certificate, Tags. All or nothing unless mode=skip. With
Accept: application/x-ndjson the answer is lines of JSON: {"progress":{phase,rows,total?}} while it runs, and last
{"result":…} or {"error":…}; its status is 200 either way.`;

const bulk = `To the devices that a filter finds, or that are named. A device belongs to it that was there when it began, and fits when
its turn comes. One that takes longer than a moment is answered with 202 and goes on; its id is a job's.`;

/** PEM certificates and revocation lists make settings long. */
const SETTINGS_BYTES = 16_777_216;
/** One revocation list, with its line breaks escaped. */
const LIST_BYTES = 2_097_152;

/** An account that sees a thousand connectors. */
const USER_BYTES = 65_536;

export const routes: readonly Route[] = [
  row('public', 'GET', '/healthz', 'healthz', 'The process answers', healthz),
  row('public', 'GET', '/readyz', 'readyz', 'Storage can be written', readyz),
  row('public', 'GET', '/metrics', 'metrics', 'Figures for Prometheus', metrics),

  row('public', 'POST', '/api:1/token', 'signIn', 'Sign in', signIn, { bodyLimit: 8192 }),
  row('viewer', 'DELETE', '/api:1/token', 'signOut', 'Sign out', signOut, { status: 204, demands: person }),
  row('public', 'GET', '/api:1/session', 'readCookieSession', 'The account of the console', readCookieSession),
  row('public', 'POST', '/api:1/session', 'openCookieSession', 'Sign in, for the console', openCookieSession, {
    bodyLimit: 8192,
    description: 'Sets a cookie that only pages of this server may use.',
  }),
  row('public', 'DELETE', '/api:1/session', 'closeCookieSession', 'Sign out of the console', closeCookieSession, {
    status: 204,
  }),
  row('public', 'GET', '/api:1/sign-in', 'listSignInWays', 'Ways to sign in beside a password', listSignInWays),
  row('public', 'GET', '/api:1/oidc/start', 'startProvider', 'Sign in by the OpenID provider', startProvider, {
    status: 302,
  }),
  row(
    'public',
    'GET',
    '/api:1/oidc/callback',
    'finishProvider',
    'Where that sends the browser back to',
    finishProvider,
    {
      status: 302,
    },
  ),
  row('viewer', 'POST', '/api:1/session/proof', 'proveSession', 'Show the password once more', proveSession, {
    bodyLimit: 8192,
    demands: person,
    description: 'For 15 minutes this session may make the calls that demand it.',
  }),
  row(
    'public',
    'POST',
    '/api:1/password',
    'setPasswordByLink',
    'Set a password by a one-time link',
    setPasswordByLink,
    {
      bodyLimit: 8192,
    },
  ),
  row('viewer', 'GET', '/api:1/users/me', 'whoAmI', 'The account or key that asks', whoAmI),
  row('viewer', 'PATCH', '/api:1/users/me', 'changeOwnAccount', 'Change the own password', changeOwnAccount, {
    bodyLimit: 8192,
    demands: person,
  }),
  row('viewer', 'GET', `${own}/sessions`, 'listOwnSessions', 'The own sessions', listOwnSessions, { demands: person }),
  row('viewer', 'DELETE', `${own}/sessions/{session}`, 'endOwnSession', 'End one of them', endOwnSession, {
    status: 204,
    demands: person,
  }),
  row('viewer', 'POST', `${own}/second-factor`, 'beginFactor', 'A secret for a second factor', beginFactor, {
    demands: proof,
  }),
  row('viewer', 'PUT', `${own}/second-factor`, 'confirmFactor', 'Begin to ask for it', confirmFactor, {
    bodyLimit: 8192,
    demands: proof,
  }),
  row('viewer', 'DELETE', `${own}/second-factor`, 'removeFactor', 'Ask for it no longer', removeFactor, {
    status: 204,
    demands: proof,
  }),
  row('viewer', 'GET', '/api:1/server', 'getServer', 'Version, URL and ports of devices, local CA', getServer),

  row('admin', 'GET', '/api:1/users', 'listUsers', 'All accounts', listUsers, { demands: installation }),
  row('admin', 'POST', '/api:1/users', 'createUser', 'Make an account', createUser, {
    status: 201,
    bodyLimit: USER_BYTES,
    demands: managing,
  }),
  row('admin', 'PATCH', user, 'changeUser', 'Change email, role, connectors', changeUser, {
    bodyLimit: USER_BYTES,
    demands: managing,
  }),
  row('admin', 'DELETE', user, 'deleteUser', 'Remove an account', deleteUser, { status: 204, demands: managing }),
  row('admin', 'POST', `${user}/link`, 'makeLink', 'A one-time link to set a password', makeLink, {
    status: 201,
    demands: managing,
  }),
  row('admin', 'DELETE', `${user}/second-factor`, 'removeFactorOf', 'Remove its second factor', removeFactorOf, {
    status: 204,
    demands: managing,
  }),
  row('admin', 'GET', `${user}/sessions`, 'listSessionsOf', 'Its sessions', listSessionsOf, { demands: installation }),
  row('admin', 'DELETE', `${user}/sessions`, 'endSessionsOf', 'End all of them', endSessionsOf, {
    status: 204,
    demands: { ...installation, ...person },
  }),
  row('admin', 'DELETE', `${user}/sessions/{session}`, 'endSessionOf', 'End one of them', endSessionOf, {
    status: 204,
    demands: { ...installation, ...person },
  }),
  row('admin', 'GET', '/api:1/keys', 'listKeys', 'All API keys', listKeys, { demands: installation }),
  row('admin', 'POST', '/api:1/keys', 'createKey', 'Make an API key', createKey, { status: 201, demands: managing }),
  row('admin', 'DELETE', '/api:1/keys/{key}', 'deleteKey', 'Delete an API key', deleteKey, {
    status: 204,
    demands: managing,
  }),
  row('admin', 'GET', '/api:1/audit', 'listAudit', 'The audit log, newest first', listAudit, { demands: installation }),
  row('admin', 'GET', '/api:1/audit/export', 'exportAudit', 'All of it, oldest first', exportAudit, {
    demands: installation,
  }),

  row('viewer', 'GET', '/api:1/connectors', 'listConnectors', 'All connectors', listConnectors),
  row('admin', 'POST', '/api:1/connectors', 'createConnector', 'Make a connector', createConnector, {
    status: 201,
    demands: installation,
  }),
  row('viewer', 'GET', connector, 'getConnector', 'One connector', getConnector),
  row('admin', 'PATCH', connector, 'changeConnector', 'Rename a connector', changeConnector),
  row('admin', 'DELETE', connector, 'deleteConnector', 'Delete a connector and all that is in it', deleteConnector, {
    status: 204,
    demands: installation,
  }),
  row(
    'viewer',
    'GET',
    `${connector}/figures`,
    'getStanding',
    'Its devices by status, and how many are online',
    getStanding,
  ),

  row('admin', 'GET', `${connector}/webhooks`, 'listWebhooks', 'Webhooks, and how they do', listWebhooks),
  row('admin', 'POST', `${connector}/webhooks`, 'createWebhook', 'Make a webhook', createWebhook, { status: 201 }),
  row('admin', 'PATCH', webhook, 'changeWebhook', 'Change a webhook, switch it on and off', changeWebhook),
  row('admin', 'DELETE', webhook, 'deleteWebhook', 'Remove a webhook', deleteWebhook, { status: 204 }),
  row('admin', 'GET', `${webhook}/deliveries`, 'listDeliveries', 'Its last deliveries', listDeliveries),
  row('admin', 'POST', `${webhook}/replay`, 'replayWebhook', 'Deliver again from a sequence number', replayWebhook),

  row('viewer', 'GET', device2, 'getSettings', 'Settings', getSettings),
  row('admin', 'PATCH', device2, 'patchSettings', 'Change settings', patchSettings, { bodyLimit: SETTINGS_BYTES }),
  row('viewer', 'POST', `${device2}/pki/decode`, 'decodeCertificate', 'What a PEM certificate says', decodeCertificate),
  row('viewer', 'POST', `${device2}/pki/decode-crl`, 'decodeCrl', 'What a PEM revocation list says', decodeCrl, {
    bodyLimit: LIST_BYTES,
  }),

  row('viewer', 'GET', `${device2}/identity`, 'listDevices', 'Devices, newest first', listDevices),
  row(
    'operator',
    'POST',
    `${device2}/identity`,
    'generateDevice',
    'Whitelist an identity that the server makes',
    generateDevice,
    { status: 201 },
  ),
  row('viewer', 'GET', `${device2}/identities/count`, 'countDevices', 'Number of devices', countDevices),
  row(
    'operator',
    'POST',
    `${device2}/identities`,
    'importIdentities',
    'Whitelist a file of identities',
    importIdentities,
    { kind: 'upload', description: csv, upload: importBody },
  ),
  row(
    'operator',
    'POST',
    `${device2}/identities/update`,
    'updateDevices',
    'Lock, unlock, tag, untag, reprovision, expire or delete many',
    updateDevices,
    { description: bulk },
  ),
  row('viewer', 'GET', `${device2}/jobs`, 'listJobs', 'What is and was done to many devices', listJobs),
  row('viewer', 'GET', `${device2}/jobs/{job}`, 'getJob', 'How far it is', getJob),
  row('operator', 'DELETE', `${device2}/jobs/{job}`, 'cancelJob', 'Stop it; what was done stays', cancelJob),
  row('operator', 'POST', `${device2}/jobs/{job}/undo`, 'undoJob', 'Undo locks and tags', undoJob),
  row('operator', 'PUT', device, 'whitelistDevice', 'Whitelist an identity', whitelistDevice, { status: 201 }),
  row('viewer', 'GET', device, 'getDevice', 'One device', getDevice),
  row('operator', 'PATCH', device, 'changeDevice', 'Lock, revoke, reprovision, tag', changeDevice),
  row('operator', 'DELETE', device, 'deleteDevice', 'Delete a device', deleteDevice, { status: 204 }),
  row('viewer', 'GET', `${device}/state`, 'getState', 'State of its resources', getState),
  row('operator', 'PATCH', `${device}/state`, 'patchState', 'Set values', patchState),
  row('viewer', 'GET', `${device}/history`, 'getHistory', 'History of a resource', getHistory),
  row('viewer', 'GET', `${device}/explain`, 'explain', 'Why it was refused', explain),
  row('viewer', 'GET', `${device}/tags`, 'getTags', 'Its tags', getTags),
  row('operator', 'PUT', `${device}/tags`, 'putTags', 'Replace all its tags', putTags),
  row('viewer', 'GET', `${device}/tags/{name}`, 'getTag', 'Values of one tag', getTag),
  row('operator', 'PUT', `${device}/tags/{name}`, 'putTag', 'Set the values of one tag', putTag),
  row('operator', 'DELETE', `${device}/tags/{name}`, 'deleteTag', 'Remove a tag', deleteTag, { status: 204 }),

  row('viewer', 'GET', `${device2}/tags`, 'listTagNames', 'Names of tags', listTagNames),
  row('viewer', 'GET', `${device2}/tags/{name}`, 'countTagValues', 'Values of a tag, with counts', countTagValues),
  row('viewer', 'GET', `${device2}/batches`, 'listBatches', 'Imports', listBatches),
  row('viewer', 'GET', `${device2}/batches/{batch}`, 'getBatch', 'One import', getBatch),
  row('operator', 'DELETE', `${device2}/batches/{batch}`, 'undoBatch', 'Undo an import', undoBatch),
  row('viewer', 'GET', `${device2}/figures`, 'getFigures', 'Writes, refusals and devices online over time', getFigures),
  row('viewer', 'GET', `${device2}/content`, 'listContent', 'Files for devices, by id', listContent),
  row('operator', 'POST', `${device2}/content`, 'postContent', 'Store a file, as a form', postContent, {
    ...{ status: 201, kind: 'upload', upload: contentForm },
    description: 'Fields: `file`, and `id` (its name unless given), `type`, `meta`, `offer` as for PUT.',
  }),
  row('operator', 'PUT', content, 'putContent', 'Store a file', putContent, {
    ...{ status: 201, kind: 'file', upload: contentBody },
    description: 'The body is the file; its `Content-Type` is kept.',
  }),
  row('viewer', 'GET', content, 'downloadContent', 'Its bytes, or a range of them', downloadContent),
  row('operator', 'PATCH', content, 'changeContent', 'Describe it anew, offer it to others', changeContent),
  row('operator', 'DELETE', content, 'deleteContent', 'Delete a file', deleteContent, { status: 204 }),
  row('viewer', 'GET', `${content}/info`, 'describeContent', 'What it is, and how its rollout fares', describeContent),
  row('viewer', 'GET', `${content}/fetches`, 'listFetches', 'Who fetched it, the latest first', listFetches),
  row('operator', 'PUT', `${content}/rollout`, 'startRollout', 'Offer it to a growing share', startContentRollout),
  row('operator', 'PATCH', `${content}/rollout`, 'actOnRollout', 'Advance, hold or resume its rollout', actOnRollout),
  row('operator', 'DELETE', `${content}/rollout`, 'stopRollout', 'Stop its rollout, offer it to nobody', stopRollout),
  row('viewer', 'GET', `${device2}/events`, 'listEvents', 'The log, newest first', listEvents),
  row('viewer', 'GET', `${device2}/events/stream`, 'streamEvents', 'The log, live', streamEvents, { kind: 'stream' }),
  row(
    'viewer',
    'GET',
    `${device2}/events.ndjson`,
    'exportEvents',
    'The log from a point on, as lines of JSON',
    exportEvents,
    { kind: 'stream' },
  ),
];
