/** Handlers of a connector's settings, `GET|PATCH …/device2`. Which settings make sense is for the domain to say. */
import { isDeepStrictEqual } from 'node:util';
import { describeCertificate } from '../domain/certificate.ts';
import type { Connector, ConnectorSettings } from '../domain/connector.ts';
import { AppError } from '../domain/errors.ts';
import { checkCaCertificate, checkCrl } from '../domain/pki.ts';
import { describeRevocationList } from '../domain/revocation-description.ts';
import { checkSettings, mergeSettings, type SettingsPatch } from '../domain/settings.ts';
import { type ApiDeps, handle } from './context.ts';
import { findConnector } from './lookup.ts';
import { connectorParams, ref } from './schema/common.ts';
import {
  certificateDescription,
  crlDescription,
  decodeBody,
  decodeCrlBody,
  settingsPatch,
} from './schema/connector.ts';
import { settingsEntry } from './trail.ts';

/** `ETag` tells the version, so that a change can be made of just this one. */
export const getSettings = handle({ params: connectorParams, response: { 200: ref('Settings') } }, async (call) => {
  const connector = await findConnector(call.deps.store, call.params.connector);
  call.reply.header('etag', etagOf(connector.version));
  return view(call.deps, connector);
});

/** SETTINGS_INVALID names every field; SETTINGS_CHANGED where `If-Match` names another version (RFC 9110, 13.1.1). */
export const patchSettings = handle(
  { params: connectorParams, body: settingsPatch, response: { 200: ref('Settings') } },
  async (call) => {
    const { fqdn, protocol, ...patch } = call.body;
    const match = call.request.headers['if-match'];
    const current = view(call.deps, await findConnector(call.deps.store, call.params.connector));
    expectSame('fqdn', fqdn, current.fqdn);
    expectSame('protocol', protocol, current.protocol);
    const decide = (settings: ConnectorSettings, version: number) => {
      expectVersion(match, version);
      const merged = mergeSettings(settings, patch as SettingsPatch);
      expectGoodSettings(merged);
      return merged;
    };
    const { connector } = call.params;
    const changed = await call.deps.store.changeConnector(connector, decide, settingsEntry(call, connector));
    call.reply.header('etag', etagOf(changed.version));
    return view(call.deps, changed);
  },
);

const etagOf = (version: number) => `"${version}"`;

function expectVersion(match: string | undefined, version: number): void {
  if (match === undefined || match.trim() === '*') return;
  const given = match.split(',').map((tag) => tag.trim());
  if (!given.includes(etagOf(version))) {
    throw new AppError('SETTINGS_CHANGED', { seen: `If-Match ${match}`, wanted: etagOf(version) });
  }
}

/** What a PEM certificate says, before it is saved. PEM_INVALID. */
export const decodeCertificate = handle(
  { params: connectorParams, body: decodeBody, response: { 200: certificateDescription } },
  async (call) => describeCertificate(call.body.certificate),
);

/** What a PEM revocation list says, before it is saved. CRL_INVALID. */
export const decodeCrl = handle(
  { params: connectorParams, body: decodeCrlBody, response: { 200: crlDescription } },
  async (call) => describeRevocationList(call.body.crl),
);

/** SETTINGS_INVALID, with a detail per fault. */
export function expectGoodSettings(settings: ConnectorSettings): void {
  const faults = checkSettings(settings, { ca: checkCaCertificate, crl: checkCrl });
  const [first] = faults;
  if (first === undefined) return;
  const details = faults.map(({ path, seen, wanted }) => ({ path, seen, expected: wanted }));
  throw new AppError('SETTINGS_INVALID', { seen: `${first.path}: ${first.seen}`, wanted: first.wanted, details });
}

/** Tools send back what they were given; a read-only field may be there as long as it says nothing new. */
function expectSame(path: string, given: unknown, current: unknown): void {
  if (given === undefined || isDeepStrictEqual(given, current)) return;
  const wanted = JSON.stringify(current);
  const details = [{ path, seen: 'another value', expected: wanted }];
  throw new AppError('SETTINGS_INVALID', { seen: `another ${path}, which is read only`, wanted, details });
}

function view(deps: ApiDeps, { id, settings }: Connector) {
  const url = new URL(deps.deviceUrl(id));
  return {
    name: settings.name,
    description: settings.description,
    fqdn: url.hostname,
    protocol: { name: 'onep:v1/http', devmode: false, port: url.port || '443', client_ca: null },
    identity_format: settings.identity_format,
    provisioning: settings.provisioning,
    pki: settings.pki,
    events: settings.events,
    resources: settings.resources,
    retention: settings.retention,
    limits: settings.limits,
    content: settings.content,
  };
}
