/** Which connector a request is for: the label before `.m2.<domain>` in its Host, which has to agree with the TLS server name. */
import type { Connector } from '../domain/connector.ts';
import { AppError } from '../domain/errors.ts';
import type { Directory } from './directory.ts';

/** `Name.M2.Localhost:8443` → `name.m2.localhost`; REQUEST_MALFORMED for what is no host. */
export function hostName(header: string): string {
  const host = /^(\[[0-9a-fA-F:.]+\]|[^\s:/?#@[\]]*)(?::\d{0,5})?$/.exec(header)?.[1];
  if (host === undefined) throw new AppError('REQUEST_MALFORMED', { seen: `Host: ${header}` });
  const lower = host.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}

/** What a Host header says. */
interface Named {
  readonly host: string;
  /** The label before `.m2.<domain>`; null for a host that is not below it. */
  readonly label: string | null;
}

/** Devices of a connector all send the same header: as many are remembered as there may be busy connectors. */
const REMEMBERED_MAX = 1_000;

/** Tells the connector of a request. */
export type ConnectorOf = (header: string | undefined, serverName: string | null) => Connector | null;

/**
 * The connector that the host names; null for a host that names none, as older firmware sends. HOST_MISMATCH where the TLS
 * server name is another one, CONNECTOR_UNKNOWN for a name below the domain that nobody has.
 */
export function createConnectorOf(domain: string, directory: Directory): ConnectorOf {
  const suffix = `.m2.${domain}`;
  const remembered = new Map<string, Named>();

  function read(header: string): Named {
    const known = remembered.get(header);
    if (known !== undefined) return known;
    const host = hostName(header);
    const named = { host, label: host.endsWith(suffix) ? host.slice(0, -suffix.length) : null };
    if (remembered.size >= REMEMBERED_MAX) remembered.clear();
    remembered.set(header, named);
    return named;
  }

  return (header, serverName) => {
    const { host, label } = header === undefined ? nameless : read(header);
    if (serverName !== null && host !== '' && host !== serverName.toLowerCase()) {
      throw new AppError('HOST_MISMATCH', { seen: `Host ${host}`, wanted: serverName });
    }
    if (label === null) return null;
    const connector = directory.get(label);
    if (connector === undefined)
      throw new AppError('CONNECTOR_UNKNOWN', { seen: host, wanted: `<connector id>${suffix}` });
    return connector;
  };
}

const nameless: Named = { host: '', label: null };
