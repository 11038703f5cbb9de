/** What a fleet asks of a device, and what it lends to each, whatever the protocol. Types, and the pause before a new try. */
import type { AuthType } from '../domain/connector.ts';
import type { MakeCertificate } from './certificates.ts';
import type { Keyring } from './credentials.ts';
import type { Figures } from './figures.ts';
import type { Target } from './target.ts';
import type { Alias } from './values.ts';

export interface Device {
  /** Whether it may be given a write now. */
  readonly ready: boolean;
  /** Connects, and provisions where it has no credential yet. */
  start(): void;
  /** A value for each alias of the scene, in their order. */
  write(values: readonly string[]): void;
  /** Called once a second, with performance.now(). */
  tick(now: number): void;
  /** Says goodbye, and closes. */
  stop(): void;
}

/** What all devices of a fleet have in common. */
export interface Scene {
  readonly target: Target;
  readonly auth: AuthType;
  readonly aliases: readonly Alias[];
  /** Those that the cloud may set. */
  readonly settable: readonly string[];
  /** HTTPS: whether devices wait for values from the cloud by long polls. */
  readonly listen: boolean;
  readonly figures: Figures;
  readonly keyring: Keyring;
  readonly makeCertificate: MakeCertificate;
  /** Ends the run: something that no new try will mend. */
  readonly fail: (error: unknown) => void;
}

/** A made-up password of 32 characters. */
export const PASSWORD_BYTES = 24;

/** ms before the try number `n` (from 0): longer each time, and never the same for two devices. */
export function backOff(n: number): number {
  return Math.min(500 * 2 ** Math.min(n, 10), 30_000) * (0.5 + Math.random());
}

/** ms before a device that was turned away tries again, as an operator may let it in meanwhile. */
export const turnedAway = () => 5_000 * (1 + Math.random());
