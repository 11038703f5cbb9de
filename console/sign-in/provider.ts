/** The OpenID provider, where the server has one: what it is called, and the address that leads there and back to this page. */
import { queryOptions } from '@tanstack/react-query';
import { api, unwrap } from '../api/client.ts';

export const signInWaysQuery = queryOptions({
  queryKey: ['sign-in'],
  queryFn: ({ signal }) => unwrap(api.GET('/api:1/sign-in', { signal })),
  staleTime: Number.POSITIVE_INFINITY,
});

/** `fresh`: the provider asks for the password in any case. */
export function providerAddress(fresh = false): string {
  const { pathname, search } = window.location;
  return `/api:1/oidc/start?to=${encodeURIComponent(pathname + search)}${fresh ? '&fresh=true' : ''}`;
}

/** Why the provider's answer did not lead in; null where the address says nothing of it. */
export function refusalIn(search: string): string | null {
  const code = new URLSearchParams(search).get('refused');
  if (code === null) return null;
  return code === 'PROVIDER_FORBIDDEN'
    ? 'Your account there gives you no role here. Ask an admin of this installation.'
    : 'The sign-in did not come to an end. Try again; if it happens again, an admin finds the reason in the log of the server.';
}
