/** What is said of a database that a command cannot use. Knows no engine. */

/** Why, in a sentence without its full stop; null for what is a mistake of ours, whose stack is wanted. */
export function unusable(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const { message, code } = error as NodeJS.ErrnoException;
  // Of several addresses that refused, only the code is told.
  if (code !== undefined) return message === '' ? code : message;
  return error.constructor === Error ? message : null;
}
