/** How names become small numbers in the tables. The numbers are on disk: never change one, only add. */
import type { EventType } from '../../domain/connector.ts';
import type { DeviceStatus, Protocol } from '../../domain/device.ts';

/** 1 and 2 are the frequent ones; all others are indexed by type too. */
const typeCodes: Record<EventType, number> = {
  data_in: 1,
  publish: 2,
  data_out: 3,
  provisioned: 4,
  connect: 5,
  disconnect: 6,
  expired: 7,
  deleted: 8,
  content_in: 9,
  whitelisted: 10,
  refused: 11,
  locked: 12,
  unlocked: 13,
  revoked: 14,
  reprovision: 15,
  content_out: 16,
  rollout: 17,
};
const typeNames = new Map(Object.entries(typeCodes).map(([name, code]) => [code, name as EventType]));

/** Codes up to this one have no index by type: reading the log itself finds them as fast. */
export const FREQUENT_MAX = 2;
export const typeCode = (type: EventType): number => typeCodes[type];
export const typeName = (code: number): EventType => typeNames.get(code)!;
export const allTypeCodes: readonly number[] = Object.values(typeCodes);

export const protocolCode = (protocol: Protocol | null): number | null =>
  protocol === null ? null : protocol === 'onep:v1/http' ? 1 : 2;
export const protocolName = (code: number | null): Protocol | null =>
  code === null ? null : code === 1 ? 'onep:v1/http' : 'murano:v1/mqtt';

/** The status as stored: an index can use it. Expiry by time alone is added by whoever reads (lists.ts). */
export const phases = {
  whitelisted: 0,
  provisioned: 1,
  reprovision: 2,
  locked: 3,
  expired: 4,
} as const satisfies Record<DeviceStatus, number>;
export type Phase = (typeof phases)[DeviceStatus];
