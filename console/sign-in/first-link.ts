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
  return { email: decodeURIComponent(text.slice(0, colon)), password: decodeURIComponent(text.slice(colon + 1)) };
}
