/** Finds what the path of a call names, or answers that there is no such thing; and says who acts. */
import type { Connector } from '../domain/connector.ts';
import { AppError } from '../domain/errors.ts';
import { normalizeAddress } from '../domain/network.ts';
import type { Actor } from '../domain/operations.ts';
import type { Found, Store } from '../store/store.ts';
import type { Caller } from './context.ts';

/** CONNECTOR_UNKNOWN */
export async function findConnector(store: Store, id: string): Promise<Connector> {
  const connector = await store.getConnector(id);
  if (connector === null) throw new AppError('CONNECTOR_UNKNOWN', { seen: id });
  return connector;
}

/** CONNECTOR_UNKNOWN, DEVICE_UNKNOWN */
export async function findDevice(
  store: Store,
  id: string,
  identity: string,
): Promise<Found & { connector: Connector }> {
  const connector = await findConnector(store, id);
  const found = await store.getDevice(id, identity);
  if (found === null) throw new AppError('DEVICE_UNKNOWN', { seen: identity });
  return { ...found, connector };
}

/** The account behind a change, as rules and events name it. */
export function actorOf(call: { caller: Caller | null; request: { ip: string }; now: number }): Actor {
  return {
    who: call.caller!.who,
    origin: { ip: normalizeAddress(call.request.ip), protocol: null, connectionId: null },
    now: call.now,
  };
}
