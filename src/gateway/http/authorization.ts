/** Reads what a request shows of itself: `Authorization: Token …` or `Basic …`, or the older `X-Exosite-CIK`. Checks nothing. */
import { AppError } from '../../domain/errors.ts';
import type { Request } from './parser.ts';

interface Shown {
  readonly token: string | null;
  readonly basic: Buffer | null;
}

const nothing: Shown = { token: null, basic: null };

/** CREDENTIAL_INVALID for a scheme that is not offered. Never says what was sent: it may be a secret. */
export function readAuthorization({ authorization, cik }: Pick<Request, 'authorization' | 'cik'>): Shown {
  if (authorization === undefined) return cik === undefined ? nothing : { token: cik, basic: null };
  const [, scheme, value] = /^([A-Za-z][\w.-]{0,31})[ \t]+(\S+)$/.exec(authorization) ?? [];
  // RFC 9110, 11.1: schemes are compared without case.
  switch (scheme?.toLowerCase()) {
    case 'token':
    case 'bearer':
      return { token: value!, basic: null };
    case 'basic':
      return { token: null, basic: Buffer.from(value!, 'base64') };
    default:
      throw new AppError('CREDENTIAL_INVALID', {
        seen: 'an Authorization header of another form',
        wanted: 'Token <token> or Basic <base64>',
      });
  }
}
