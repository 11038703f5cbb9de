/**
 * What a fleet asks of a device, and what it lends to each, whatever the protocol; what a new one brings, and how long each
 * waits before a new try.
 */
import { randomBytes } from 'node:crypto';
import type { Secret } from './credentials.ts';
import type { Figures } from './figures.ts';
import type { Plan } from './plan.ts';

export interface Device {
  /** Whether it may be given a write now. */
  readonly ready: boolean;
  /** Whether the server may be giving it a credential just now, which is told once. */
  readonly entering: boolean;
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
export interface Scene extends Pick<Plan, 'target' | 'auth' | 'aliases' | 'settable' | 'keyring' | 'makeCertificate'> {
  /** HTTPS: whether devices wait for values from the cloud by long polls. */
  readonly listen: boolean;
  readonly figures: Figures;
  /** Ends the run: something that no new try will mend. */
  readonly fail: (error: unknown) => void;
}

/** A password has 32 characters. */
const PASSWORD_BYTES = 24;

/** What a new device brings, kept before the server hears of it; null where the server gives it a token. */
export async function bringSecret(identity: string, { auth, keyring, makeCertificate }: Scene): Promise<Secret | null> {
  if (auth === 'token') return null;
  const secret: Secret =
    auth === 'certificate'
      ? makeCertificate(identity)
      : { type: 'password', password: randomBytes(PASSWORD_BYTES).toString('base64url') };
  await keyring.keep(identity, secret);
  return secret;
}

/** ms before the try number `n` (from 0): longer each time, and never the same for two devices. */
export function backOff(n: number): number {
  return Math.min(500 * 2 ** Math.min(n, 10), 30_000) * (0.5 + Math.random());
}

/** ms before a device that was turned away tries again, as an operator may let it in meanwhile. */
export const turnedAway = () => 5_000 * (1 + Math.random());
