/** Values over time that benches store: of each device one every 30 s, the same for whoever stores them. */

/** µs between two values of a device: 2,880 a day. */
export const INTERVAL = 30_000_000;

export const filledIdentity = (device: number): string => `filled-${String(device).padStart(6, '0')}`;

/** Hundredths of a degree, of the device's n-th value. */
export const hundredths = (device: number, n: number): number => 1_800 + ((device * 7 + n * 13) % 1_600);

/** As a device sends it. */
export const valueText = (device: number, n: number): string => (hundredths(device, n) / 100).toFixed(2);
