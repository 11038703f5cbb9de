/** Which connector a request is for: the label before `.m2.<domain>` in its Host, which has to agree with the TLS server name. */
import type { Connector } from '../../domain/connector.ts';
import { AppError } from '../../domain/errors.ts';
import type { Directory } from '../directory.ts';

/** `Name.M2.Localhost:8443` → `name.m2.localhost`; REQUEST_MALFORMED for what is no host. */
export function hostName(header: string): string {
  const host = /^(\[[0-9a-fA-F:.]+\]|[^\s:/?#@[\]]*)(?::\d{0,5})?$/.exec(header)?.[1];
  if (host === undefined) throw new AppError('REQUEST_MALFORMED', { seen: `Host: ${header}` });
  const lower = host.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}

/** Devices of a connector all send the same header: as many are remembered as there may be busy connectors. */
const remembered = new Map<string, string>();
const REMEMBERED_MAX = 1_000;

function remember(header: string): string {
  const known = remembered.get(header);
  if (known !== undefined) return known;
  const host = hostName(header);
  if (remembered.size >= REMEMBERED_MAX) remembered.clear();
  remembered.set(header, host);
  return host;
}

/**
 * The connector that the host names; null for a host that names none, as older firmware sends. HOST_MISMATCH where the TLS
 * server name is another one, CONNECTOR_UNKNOWN for a name below the domain that nobody has.
 */
export function connectorOf(
  header: string | undefined,
  serverName: string | null,
  domain: string,
  directory: Directory,
): Connector | null {
  const host = header === undefined ? '' : remember(header);
  if (serverName !== null && host !== '' && host !== serverName.toLowerCase()) {
    throw new AppError('HOST_MISMATCH', { seen: `Host ${host}`, wanted: serverName });
  }
  const suffix = `.m2.${domain}`;
  if (!host.endsWith(suffix)) return null;
  const label = host.slice(0, -suffix.length);
  const connector = directory.get(label);
  if (connector === undefined)
    throw new AppError('CONNECTOR_UNKNOWN', { seen: host, wanted: `<connector id>${suffix}` });
  return connector;
}
