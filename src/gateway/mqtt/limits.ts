/** Bounds of one MQTT connection; docs/operations.md lists them. */

/** Largest packet, bytes: a value of 1 MiB, its topic and its properties. 5.0: Maximum Packet Size. */
export const PACKET_MAX = 1_179_648;
/** Largest packet of a client that has not authenticated, bytes. */
export const STRANGER_PACKET_MAX = 65_536;
/** ms until a client must have authenticated (device-mqtt.md, CONNECT). */
export const STRANGER_TIME = 30_000;
/** Messages of one connection that wait for their commit; more are left in the kernel. 5.0: Receive Maximum. */
export const IN_FLIGHT_MAX = 1_024;
/** Bytes of those. */
export const IN_FLIGHT_BYTES = 4_194_304;
/** Bytes that a client is slow to take, past which nothing more of it is read, nor any value sent. */
export const UNSENT_MAX = 65_536;
/** Values on their way to one device at a time. */
export const SENT_MAX = 32;
