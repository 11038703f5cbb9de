/** What a look at an installation finds: one thing each, how bad it is, and what to do about it. */
export type Level = 'ok' | 'warning' | 'fault';

export interface Finding {
  /** What was looked at: `disk`, `certificate of the server`. */
  readonly subject: string;
  readonly level: Level;
  /** What was seen. Never a secret. */
  readonly seen: string;
  /** What to do; null where nothing is to be done. */
  readonly todo: string | null;
}

export const ok = (subject: string, seen: string): Finding => ({ subject, level: 'ok', seen, todo: null });
export const warning = (subject: string, seen: string, todo: string): Finding => ({
  subject,
  level: 'warning',
  seen,
  todo,
});
export const fault = (subject: string, seen: string, todo: string): Finding => ({
  subject,
  level: 'fault',
  seen,
  todo,
});

/** Looks, and makes a finding of what goes wrong with looking. */
export async function look(subject: string, work: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await work();
  } catch (error) {
    return [fault(subject, `could not be looked at: ${(error as Error).message}`, 'See to what the message names.')];
  }
}
