/** The client of the management API, typed by the OpenAPI document. The session is a cookie that scripts cannot read. */
import createClient from 'openapi-fetch';
import { ApiFailure, type ErrorAnswer, Unreachable } from './failure.ts';
import type { paths } from './schema.ts';

/** `api.GET('/api:1/connectors')`; hand what it gives to `unwrap`. */
export const api = createClient<paths>({
  baseUrl: '',
  credentials: 'same-origin',
  fetch: async (request) => {
    const changing = isChange(request);
    const response = await fetch(request).catch((cause) => Promise.reject(new Unreachable(cause, changing)));
    if (changing) changes.add(response);
    return response;
  },
});

/** Answers to calls that change something. */
const changes = new WeakSet<Response>();

/** Signing in once more does no harm. */
const isChange = ({ method, url }: Request) => method !== 'GET' && new URL(url).pathname !== '/api:1/session';

interface Answer<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response: Response;
}

/** What the call answered. Throws ApiFailure or Unreachable. */
export async function unwrap<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (response.ok) return data as T;
  throw failureOf(error, response);
}

/** Whatever stands between may answer too (a proxy's 502): that is no answer of the server. */
export function failureOf(body: unknown, response: Response): Error {
  const answer = body as Partial<ErrorAnswer> | undefined;
  if (typeof answer?.code !== 'string') return new Unreachable(`status ${response.status}`, changes.has(response));
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new ApiFailure(answer as ErrorAnswer, Number.isNaN(retryAfter) ? null : retryAfter);
}

/** Path of a connector's device2 calls, for what is no JSON call: uploads and streams. */
export const device2 = (connector: string) => `/api:1/service/${encodeURIComponent(connector)}/device2`;
