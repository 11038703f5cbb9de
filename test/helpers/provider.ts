/** A real OpenID provider (oidc-provider) on a free port, and a browser's part in its sign-in, made by hand: redirects, cookies, forms. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';

export const client = { id: 'slipway', secret: 'the-secret-of-the-client' } as const;

export interface TestProvider {
  readonly issuer: string;
  /** Environment of a server that signs people in by it. */
  readonly env: Readonly<Record<string, string>>;
  /** Claims by subject: who is there. */
  readonly people: Map<string, Record<string, unknown>>;
  /** To be called once the console's address is known. */
  expect(consoleUrl: string): void;
  stop(): Promise<void>;
}

export async function startProvider(roles: string): Promise<TestProvider> {
  let handle: ReturnType<Provider['callback']> | null = null;
  const server = createServer((request, response) => void handle?.(request, response));
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
  const people = new Map<string, Record<string, unknown>>();
  return {
    issuer,
    people,
    env: {
      SLIPWAY_OIDC_ISSUER: issuer,
      SLIPWAY_OIDC_CLIENT_ID: client.id,
      SLIPWAY_OIDC_CLIENT_SECRET: client.secret,
      SLIPWAY_OIDC_ROLES: roles,
      SLIPWAY_OIDC_SCOPES: 'openid email groups',
      SLIPWAY_OIDC_NAME: 'Harbour ID',
    },
    expect(consoleUrl) {
      const provider = new Provider(issuer, {
        clients: [
          {
            client_id: client.id,
            client_secret: client.secret,
            redirect_uris: [`${consoleUrl}/api:1/oidc/callback`],
            token_endpoint_auth_method: 'client_secret_post',
          },
        ],
        claims: { openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups'] },
        cookies: { keys: ['a key of this test'] },
        findAccount: async (_, sub) =>
          people.has(sub) ? { accountId: sub, claims: async () => ({ ...people.get(sub), sub }) } : undefined,
      });
      handle = provider.callback();
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export interface Visitor {
  /** Cookies by name: a host's are the same on all its ports. */
  readonly cookies: Map<string, string>;
  get(url: string): Promise<Response>;
  post(url: string, form: Record<string, string>): Promise<Response>;
  /** Follows redirects from `url` and fills in the provider's forms; answers the last address, of the console. */
  signIn(url: string, login: string): Promise<URL>;
}

export function visitor(): Visitor {
  const cookies = new Map<string, string>();
  async function send(url: string, form?: Record<string, string>): Promise<Response> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie, accept: 'text/html' },
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const set of response.headers.getSetCookie()) {
      const [name = '', value = ''] = set.split(';')[0]!.split(/=(.*)/s);
      if (value === '' || /max-age=0/i.test(set) || /expires=Thu, 01 Jan 1970/i.test(set)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  }
  return {
    cookies,
    get: (url) => send(url),
    post: send,
    async signIn(url, login) {
      let at = new URL(url);
      let response = await send(url);
      for (let steps = 0; steps < 20; steps += 1) {
        const location = response.headers.get('location');
        if (location !== null) {
          at = new URL(location, at);
          if (!at.pathname.startsWith('/api:1') && at.port === new URL(url).port) return at;
          response = await send(at.href);
          continue;
        }
        const page = await response.text();
        const action = /action="([^"]+)"/.exec(page)?.[1];
        const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1];
        assert.ok(action !== undefined && prompt !== undefined, `${response.status} ${at.href}: ${page.slice(0, 500)}`);
        at = new URL(action, at);
        response = await send(at.href, prompt === 'login' ? { prompt, login, password: 'any' } : { prompt });
      }
      assert.fail(`no end of redirects at ${at.href}`);
    },
  };
}
