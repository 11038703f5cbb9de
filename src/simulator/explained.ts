/** What went wrong, told so that whoever typed the command knows what to do next. Knows addresses and flags, no fleet. */

/** Ends the command with its message alone: no stack would help. */
export class Explained extends Error {
  override readonly name = 'Explained';
}

/** What errors of the network mean, by the code that Node.js gives them. */
const causes: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused: nothing listens there',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed by the server',
  ETIMEDOUT: 'no answer in time',
  EHOSTUNREACH: 'there is no way to that address',
  ENETUNREACH: 'there is no way to that address',
  ENOTFOUND: 'there is no such name',
  EAI_AGAIN: 'names cannot be resolved now',
  EMFILE: 'this process may not open more connections (ulimit -n)',
  EADDRNOTAVAIL: 'this machine has no port left for another connection to that address',
  ERR_SSL_WRONG_VERSION_NUMBER: 'what listens there does not speak TLS',
};

/** One short phrase for an error of a socket or of `fetch`. */
export function inPlainWords(error: unknown): string {
  const { code, cause, message } = error as NodeJS.ErrnoException & { readonly cause?: unknown };
  if (code !== undefined && Object.hasOwn(causes, code)) return causes[code]!;
  // `fetch failed` says nothing; what it came from does.
  if (cause instanceof Error) return inPlainWords(cause);
  // Several addresses were tried, each with an error of its own.
  if (error instanceof AggregateError && error.errors.length > 0) return inPlainWords(error.errors[0]);
  return message;
}
