/** What the device filters mean, said once more in memory, for the property tests to hold an engine against. */
import fc from 'fast-check';
import {
  type Credential,
  type Device,
  type DeviceStatus,
  isOnline,
  newDevice,
  ONLINE_WITHIN,
  statusOf,
} from '../../src/domain/device.ts';
import type { DeviceFilter, DeviceSort } from '../../src/store/store.ts';
import { certificateOf, DAY, NOW } from './fixtures.ts';

/** store.ts, DeviceFilter. */
export function matches(device: Device, filter: DeviceFilter, now: number): boolean {
  const { identity, status, batch, ipaddress, online, before } = filter;
  if (identity !== undefined && !fits(device.identity, identity)) return false;
  if (status !== undefined && statusOf(device, now) !== status) return false;
  if (filter.tags?.some(({ name, value }) => !valuesOf(device, name).includes(value))) return false;
  if (batch !== undefined && device.batch !== batch) return false;
  if (ipaddress !== undefined && device.lastIp !== ipaddress) return false;
  if (online !== undefined && isOnline(device, now) !== online) return false;
  if (filter.certificateExpiresBefore !== undefined && !(endOf(device) < filter.certificateExpiresBefore)) return false;
  return before === undefined || activityOf(device) < before;
}

/** When its certificate ends; never without one. */
const endOf = ({ credential }: Device) =>
  credential?.type === 'certificate' ? credential.notAfter : Number.POSITIVE_INFINITY;

function fits(identity: string, pattern: string): boolean {
  if (!pattern.includes('*')) return identity.includes(pattern);
  const pieces = pattern.split('*').map((piece) => RegExp.escape(piece));
  return new RegExp(`^${pieces.join('[^]*')}$`, 'u').test(identity);
}

const valuesOf = (device: Device, name: string) => (Object.hasOwn(device.tags, name) ? device.tags[name]! : []);

export const activityOf = (device: Device): number => device.lastSeen ?? device.created;

/** By the sort's key only: devices of equal keys may stand in any order. Identities go by their UTF-8 bytes. */
export function compareBy(sort: DeviceSort): (a: Device, b: Device) => number {
  const down = sort.startsWith('-') ? -1 : 1;
  if (sort.endsWith('identity')) {
    return (a, b) => down * Buffer.compare(Buffer.from(a.identity), Buffer.from(b.identity));
  }
  const key = sort.endsWith('created') ? (device: Device) => device.created : activityOf;
  return (a, b) => down * (key(a) - key(b));
}

export const sorts: readonly DeviceSort[] = ['activity', '-activity', 'identity', '-identity', 'created', '-created'];
export const statuses: readonly DeviceStatus[] = ['whitelisted', 'provisioned', 'expired', 'locked', 'reprovision'];

// Few different characters, so that random patterns hit; most are special to LIKE, GLOB, regular expressions or SQL.
const character = fc.constantFrom(...`abAB01%_[]^-"'\\?*.é😀`, 'e\u0301');
const piece = fc.string({ unit: character, minLength: 1, maxLength: 9 });
const names = fc.constantFrom('site', 'Site', 'l%', '__proto__');
const values = fc.constantFrom('north', 'North', 'a_', "o'clock", '');
// None lies exactly at the edge of being online.
const times = fc.constantFrom(NOW - DAY, NOW - ONLINE_WITHIN - 7, NOW - ONLINE_WITHIN + 7, NOW - 1, NOW);
const ends = [NOW - DAY, NOW + 7 * DAY, NOW + 90 * DAY] as const;
let certificate = 0;
/** No two devices have one. */
const certificates = fc
  .constantFrom(...ends)
  .map((notAfter): Credential => ({ ...certificateOf(`model ${++certificate}`), notAfter }));
const batches = fc.constantFrom('lot-1', 'lot-2');
const addresses = fc.constantFrom('192.0.2.1', '192.0.2.10', '2001:db8::1');

const someDevice: fc.Arbitrary<Device> = fc
  .record({
    created: times,
    expiresAt: fc.constantFrom(null, 0, NOW - 1, NOW, NOW + 1),
    locked: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
    reprovision: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
    credential: fc.oneof(
      fc.constant(null),
      fc.constant({ type: 'password', hash: 'hash' } satisfies Credential),
      certificates,
    ),
    tags: fc.dictionary(names, fc.uniqueArray(values, { maxLength: 3 }), { maxKeys: 3, noNullPrototype: true }),
    batch: fc.option(batches),
    heard: fc.option(fc.record({ lastSeen: times, lastIp: addresses })),
  })
  .map(({ heard, ...device }) => ({
    ...newDevice('', NOW),
    ...device,
    ...heard,
    created: device.batch === null ? device.created : NOW,
    provisionedAt: device.credential === null ? null : NOW,
  }));

export const fleets: fc.Arbitrary<Device[]> = fc
  .uniqueArray(fc.tuple(piece, someDevice), { selector: ([identity]) => identity, minLength: 1, maxLength: 40 })
  .map((pairs) => pairs.map(([identity, device]) => ({ ...device, identity })));

export const filters: fc.Arbitrary<DeviceFilter> = fc.record(
  {
    identity: fc.oneof(
      fc.string({ unit: character, maxLength: 3 }),
      fc.tuple(piece, piece).map(([head, tail]) => `${head.slice(0, 1)}*${tail.slice(0, 1)}`),
      piece.map((text) => `${text.slice(0, 1)}*`),
      piece.map((text) => `*${text.slice(0, 1)}*`),
    ),
    status: fc.constantFrom(...statuses),
    tags: fc.array(fc.record({ name: names, value: values }), { maxLength: 2 }),
    batch: batches,
    ipaddress: addresses,
    online: fc.boolean(),
    before: times,
    certificateExpiresBefore: fc.constantFrom(...ends.map((end) => end + 1), NOW),
  },
  { requiredKeys: [] },
);
