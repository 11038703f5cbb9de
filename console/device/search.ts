/** What the address of this page says. */
export type DevicePageSearch = Record<string, never>;

export function readDevicePageSearch(_given: Record<string, unknown>): DevicePageSearch {
  return {};
}
