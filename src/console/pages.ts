/**
 * Serves the built console: its files with long lives, since their names hold their digest, and the one page of HTML for
 * every address that a browser may be sent to. Knows nothing of what the console shows.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Stands in the built page wherever the nonce of an answer belongs. */
const NONCE = '__NONCE__';

/**
 * Nothing from other hosts, no inline script, no inline style but those that the console itself makes (they carry the
 * nonce), never in a frame.
 */
const policyOf = (nonce: string) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

const pageHeaders = {
  'cache-control': 'no-cache',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

/** Adds `/assets/*` and the console's page. `built` is the folder of the build, once there is one. */
export function registerConsole(app: FastifyInstance, built: Promise<string>): void {
  app.register(async (pages) => {
    pages.route({
      method: 'GET',
      url: '/assets/*',
      exposeHeadRoute: true,
      schema: { hide: true },
      handler: async (request, reply) => {
        reply.header('cross-origin-resource-policy', 'same-origin');
        const { '*': name } = request.params as { '*': string };
        return reply.sendFile(`assets/${name}`, await built, { immutable: true, maxAge: '365d' });
      },
    });
    for (const name of ['/favicon.svg', '/color-scheme.js']) {
      pages.get(name, { schema: { hide: true } }, async (_request, reply) =>
        reply.header('cache-control', 'no-cache').sendFile(name.slice(1), await built, { cacheControl: false }),
      );
    }
    await pages.register(fastifyStatic, {
      root: import.meta.dirname,
      serve: false,
      preCompressed: true,
      acceptRanges: false,
    });
  });
}

/** True for what a browser asks for when a person follows a link. */
export function isPageRequest(request: FastifyRequest): boolean {
  const { method, url, headers } = request;
  if (method !== 'GET' && method !== 'HEAD') return false;
  return !/^\/(api[:/]|assets\/|healthz|readyz|metrics)/.test(url) && /\btext\/html\b/.test(headers.accept ?? '');
}

/** The console's page, with a nonce of its own. */
export async function sendPage(reply: FastifyReply, folder: string): Promise<FastifyReply> {
  const nonce = randomBytes(16).toString('base64');
  const page = await readFile(join(folder, 'index.html'), 'utf8');
  return reply
    .headers({ ...pageHeaders, 'content-security-policy': policyOf(nonce) })
    .type('text/html; charset=utf-8')
    .send(page.replaceAll(NONCE, nonce));
}
