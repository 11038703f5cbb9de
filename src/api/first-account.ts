/** The first account: made at the first start, its password taken from the configuration or made at random. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Config } from '../config.ts';
import { AppError } from '../domain/errors.ts';
import { hashPassword, verifyPassword } from '../gateway/password.ts';
import type { Store } from '../store/store.ts';

/** `password` is set only when it was made here just now: the one time that it can be shown. */
export interface FirstAccount {
  readonly email: string;
  readonly password: string | null;
}

/**
 * Makes the admin account where there is none, and gives it the configured password where that differs. `now` in µs.
 * Accounts that exist are otherwise left alone.
 */
export async function ensureAdmin(
  store: Store,
  config: Pick<Config, 'adminEmail' | 'adminPassword'>,
  now = Date.now() * 1000,
): Promise<FirstAccount> {
  const { adminEmail: email, adminPassword } = config;
  const user = await store.getUser(email);
  if (user === null) {
    if (adminPassword === null && (await store.countUsers()) > 0) return { email, password: null };
    const password = adminPassword ?? randomBytes(15).toString('base64url');
    const made = {
      id: randomUUID(),
      email,
      role: 'admin' as const,
      password: await hashPassword(password),
      created: now,
    };
    try {
      await store.putUser(made);
    } catch (error) {
      // Another server of the installation made it at the same time.
      if (error instanceof AppError && error.code === 'STATE_CONFLICT') return ensureAdmin(store, config, now);
      throw error;
    }
    return { email, password: adminPassword === null ? password : null };
  }
  if (adminPassword !== null && !(await verifyPassword(user.password, adminPassword))) {
    await store.putUser({ ...user, password: await hashPassword(adminPassword) });
  }
  return { email, password: null };
}
