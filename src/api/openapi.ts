/** The OpenAPI 3.1 document and its pages, made from the route table and from the schemas that check the requests. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifySchema } from 'fastify';
import type { Route } from './context.ts';
import { batch } from './schema/batch.ts';
import { job } from './schema/bulk.ts';
import { errorAnswer, ref } from './schema/common.ts';
import { connector, settings } from './schema/connector.ts';
import { content } from './schema/content.ts';
import { event } from './schema/data.ts';
import { identity } from './schema/device.ts';
import { user } from './schema/people.ts';
import { webhook } from './schema/webhook.ts';

const shared = [errorAnswer, connector, settings, identity, event, batch, content, webhook, job, user];

/** Must be called before the routes are registered. */
export function registerDocument(app: FastifyInstance, version: string): void {
  for (const schema of shared) app.addSchema(schema);
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Slipway management API', version, description: 'For operators, factory lines and the console.' },
      components: {
        securitySchemes: {
          token: {
            type: 'apiKey',
            in: 'header',
            name: 'Authorization',
            description: '`token <token>`, from POST /api:1/token/, or `token <key>` of an API key',
          },
          bearer: { type: 'http', scheme: 'bearer', description: 'the same token or key' },
        },
      },
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, i) => String(json.$id ?? `schema-${i}`) },
  });
}

/** The pages at `/api/docs`, which need scripts and styles of their own origin, and the document beside them. */
export function registerPages(app: FastifyInstance): void {
  app.get('/api/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  app.register(async (pages) => {
    pages.addHook('onRequest', async (_request, reply) => {
      reply.header(
        'content-security-policy',
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
      );
    });
    await pages.register(swaggerUi, { routePrefix: '/api/docs' });
  });
}

const schemes: Record<string, string[]>[] = [{ token: [] }, { bearer: [] }];
const failures = { '4XX': ref('Error'), '5XX': ref('Error') };

/** What Fastify and the document need to know of a route. */
export function schemaOf(route: Route): FastifySchema {
  const { schema, permission, demands } = route;
  return {
    operationId: route.id,
    summary: route.summary,
    description: [
      route.description,
      permission === 'public' ? 'For anyone.' : `Role: ${permission}.`,
      demands.installation && 'For those who see all connectors.',
      demands.person && 'Not for API keys.',
      demands.proof && 'Needs the password to have been shown within 15 minutes.',
    ]
      .filter(Boolean)
      .join(' '),
    tags: [route.tag],
    security: permission === 'public' ? [] : schemes,
    ...(schema.params && { params: schema.params }),
    ...(schema.querystring && { querystring: schema.querystring }),
    ...(schema.body && { body: schema.body }),
    ...(route.upload && { body: route.upload }),
    response: { ...schema.response, ...failures },
  };
}
