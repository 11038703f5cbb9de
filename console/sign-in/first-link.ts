/** The link that a first start prints: `/welcome#<email>:<password>`. A fragment stays in the browser. */
export interface FirstLink {
  readonly email: string;
  readonly password: string;
}

/** What the address of the page holds; null where it is no such link. */
export function readFirstLink({ pathname, hash }: Pick<Location, 'pathname' | 'hash'>): FirstLink | null {
  const text = hash.slice(1);
  const colon = text.indexOf(':');
  if (pathname !== '/welcome' || colon < 1) return null;
  try {
    return { email: decodeURIComponent(text.slice(0, colon)), password: decodeURIComponent(text.slice(colon + 1)) };
  } catch {
    // Cut off, or changed on its way.
    return null;
  }
}

let proven: string | null = null;

/** The password of the first start was taken just now, so that it is still the one of this account. */
export function noteSignIn(first: FirstLink | null, email: string, password: string): void {
  if (first !== null && first.password === password) proven = email;
}

/** Whether this page has signed in with the password of the first start. */
export const isFirstPassword = (email: string) => proven === email;
