/** The first account: made at the first start, its password taken from the configuration or made at random. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Config } from '../config.ts';
import type { NewAudit } from '../domain/audit.ts';
import { AppError } from '../domain/errors.ts';
import { tellUser, type User } from '../domain/people.ts';
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
    const made: User = {
      id: randomUUID(),
      email,
      role: 'admin',
      connectors: null,
      password: await hashPassword(password),
      created: now,
      link: null,
      factor: null,
      subject: null,
    };
    try {
      await store.putUser(made, told('createUser', now, email, tellUser(made)));
    } catch (error) {
      // Another server of the installation made it at the same time.
      if (error instanceof AppError && error.code === 'USER_KNOWN') return ensureAdmin(store, config, now);
      throw error;
    }
    return { email, password: adminPassword === null ? password : null };
  }
  if (adminPassword !== null && !(await verifyPassword(user.password, adminPassword))) {
    const after = { password: 'set by the configuration' };
    const changed = { ...user, password: await hashPassword(adminPassword), link: null };
    await store.putUser(changed, told('changeUser', now, email, after));
  }
  return { email, password: null };
}

function told(action: string, timestamp: number, email: string, after: unknown): NewAudit {
  return { timestamp, who: 'configuration', from: null, action, target: `users/${email}`, before: null, after };
}
