/** Handler of "why was it refused?": the last refusals of an identity, also of one that nobody whitelisted. */
import { type StoredEvent, statusOf } from '../domain/device.ts';
import { handle } from './context.ts';
import { findConnector } from './lookup.ts';
import { identityParams } from './schema/common.ts';
import { explanation } from './schema/device.ts';

const ATTEMPTS = 20;

export const explain = handle(
  { params: identityParams, response: { 200: explanation } },
  async ({ deps, params: { connector, identity }, now }) => {
    await findConnector(deps.store, connector);
    const found = await deps.store.getDevice(connector, identity);
    const { events } = await deps.store.readEvents(connector, { types: ['refused'], identity, limit: ATTEMPTS });
    const status = found === null ? null : statusOf(found.device, now);
    return { identity, known: found !== null, status, attempts: events.map(attempt) };
  },
);

function attempt({ timestamp, ip, protocol, payload }: StoredEvent) {
  const said = (payload ?? {}) as Record<string, unknown>;
  const text = (value: unknown) => (value === undefined || value === null ? null : String(value));
  const { rule, seen, wanted, message } = said;
  return { timestamp, rule: text(rule), seen: text(seen), wanted: text(wanted), message: text(message), ip, protocol };
}
