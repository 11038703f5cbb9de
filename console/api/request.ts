/** What went wrong with a request by XMLHttpRequest, which uploads use as `fetch` does not tell how much of a body has left. */
import { failureOf } from './client.ts';

/** The failure that the answer tells of. */
export function failureOfRequest(request: XMLHttpRequest): Error {
  return failureOf(parse(request.responseText), headOf(request));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What `failureOf` looks at. */
function headOf(request: XMLHttpRequest): Response {
  const retryAfter = request.getResponseHeader('retry-after');
  return new Response(null, {
    status: request.status,
    headers: retryAfter === null ? {} : { 'retry-after': retryAfter },
  });
}
