/**
 * The management API as a Fastify app: puts the route table, the permission check, the schemas and the answers to
 * failures together. It holds no rule of its own; server.ts lets it listen.
 *
 * Nothing here trusts what a browser sends by itself, but for the console's cookie, which counts only for requests of the
 * server's own pages: another site's page, or one whose name was rebound to this address, has no credential to call with.
 */
import type { Readable } from 'node:stream';
import multipart from '@fastify/multipart';
import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type preParsingAsyncHookHandler,
  type preValidationAsyncHookHandler,
} from 'fastify';
import { isPageRequest, registerConsole, sendPage } from '../console/pages.ts';
import { AppError } from '../domain/errors.ts';
import { createSlots } from '../events/webhooks/slots.ts';
import { createTally, type Endpoint } from '../metrics/tally.ts';
import { admit, expectLive } from './admit.ts';
import type { ApiDeps, ApiState, Call, Caller, Route } from './context.ts';
import { answerClientError, answerFailure } from './failure.ts';
import { registerDocument, registerPages, schemaOf } from './openapi.ts';
import { routes } from './routes.ts';
import { READING_MAX } from './stream-room.ts';
import { createFailureThrottle, createLoginThrottles, createUseThrottle } from './throttle.ts';
import { compileValidator, expectKnown, parametersOf } from './validation.ts';

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | null;
  }
  interface FastifyContextConfig {
    /** Content types of the body. */
    takes?: string;
    /** Its place among `endpoints`. */
    endpoint?: number;
  }
}

const BODY_BYTES = 1_048_576;
/** An identity has up to 256 bytes, each of which may be percent-encoded; a tag name up to 128 characters of 4 bytes. */
const PARAM_LENGTH = 128 * 4 * 3;
const HEARTBEAT = 15_000;
/** How long calls that are under way may go on when the app closes, in ms. */
const GRACE = 5_000;
/** A body of up to 1 MiB that takes longer than this, in ms, is not meant well. */
const BODY_TIME = 30_000;

const securityHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** What figures tell apart; the first one stands for whatever is none of the others: pages, and what is not there. */
const endpoints: readonly Endpoint[] = [
  { method: 'other', route: 'none' },
  ...routes.map(({ method, path }) => ({ method, route: path })),
];
const HIGHEST_STATUS = 599;

export interface ApiOptions {
  /** Folder of the built console, once there is one; no console unless given. */
  readonly console?: Promise<string>;
  /** Time between two signs of life on an event stream, in ms. */
  readonly heartbeat?: number;
  /** How long calls that are under way may go on when the app closes, in ms. */
  readonly grace?: number;
}

/** The app, not listening yet. */
export function createApi(deps: ApiDeps, options: ApiOptions = {}): FastifyInstance {
  const tally = createTally('management', endpoints, HIGHEST_STATUS);
  let open = 0;
  const state: ApiState = {
    logins: createLoginThrottles(),
    uses: createUseThrottle(),
    failures: createFailureThrottle(),
    unwritten: 0,
    streams: new Map(),
    reading: createSlots(READING_MAX),
    door: { tally, connections: () => open },
    heartbeat: options.heartbeat ?? HEARTBEAT,
    uploads: 0,
    imports: new Map(),
  };
  const fail = (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    reply.headers(securityHeaders);
    tally.refused(answerFailure(deps.logger, error, request, reply).code);
  };
  const app = fastify({
    bodyLimit: BODY_BYTES,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: PARAM_LENGTH },
    frameworkErrors: fail,
    clientErrorHandler: answerClientError,
    return503OnClosing: false,
  });
  app.server.on('connection', (socket) => {
    open += 1;
    socket.once('close', () => {
      open -= 1;
    });
  });
  // Text of no known form is no body of ours, and might be shown back in an error.
  app.removeContentTypeParser('text/plain');
  app.setValidatorCompiler(compileValidator as never);
  // Answers are what handlers make them; the schemas document them, and the tests hold the two equal.
  app.setSerializerCompiler(() => JSON.stringify);
  app.setErrorHandler(fail);
  const built = options.console?.catch((cause) => {
    throw new AppError('CONSOLE_UNAVAILABLE', { cause });
  });
  built?.catch(() => {}); // told to whoever asks for a page
  app.setNotFoundHandler(async (request, reply) => {
    if (built === undefined || !isPageRequest(request)) {
      throw new AppError('PATH_UNKNOWN', { seen: request.url });
    }
    return sendPage(reply, await built);
  });
  app.decorateRequest('caller', null);
  app.addHook('onRequest', async (_request, reply) => void reply.headers(securityHeaders));
  // Whose sessions ended, on whichever node, has nothing open any more.
  let deaf = () => {};
  app.addHook('onListen', async () => {
    deaf = deps.store.onSignal((signal) => {
      if (signal.kind !== 'account') return;
      for (const stream of state.streams.values()) if (stream.account === signal.account) stream.check();
    });
  });
  app.addHook('onResponse', async ({ routeOptions }, { statusCode }) =>
    tally.answered(routeOptions.config.endpoint ?? 0, statusCode),
  );
  app.addHook('preClose', async () => {
    deaf();
    for (const stream of state.streams.keys()) stream.abort();
    // A client that never finishes its request, or sends none, must not hold up the end.
    setTimeout(() => app.server.closeAllConnections(), options.grace ?? GRACE).unref();
  });
  registerDocument(app, deps.version);
  app.register(async (api) => registerRoutes(api, deps, state));
  registerPages(app);
  if (built !== undefined) registerConsole(app, built);
  return app;
}

function registerRoutes(api: FastifyInstance, deps: ApiDeps, state: ApiState): void {
  for (const route of routes) if (!isUpload(route)) registerRoute(api, route, deps, state);
  api.register(async (uploads) => {
    await uploads.register(multipart, { limits: { fieldSize: BODY_BYTES } });
    uploads.removeContentTypeParser('application/json');
    uploads.addContentTypeParser('text/csv', (_request, body, done) => done(null, body));
    for (const route of routes) if (route.kind === 'upload') registerRoute(uploads, route, deps, state);
  });
  api.register(async (files) => {
    files.removeAllContentTypeParsers();
    files.addContentTypeParser('*', (_request, body, done) => done(null, body));
    for (const route of routes) if (route.kind === 'file') registerRoute(files, route, deps, state);
  });
  refuseOtherMethods(api);
}

/** What a refusal names as content types that would have been taken. */
const takes = {
  json: 'application/json',
  stream: 'application/json',
  upload: 'multipart/form-data or text/csv',
  file: 'a media type',
} as const;

const isUpload = ({ kind }: Route) => kind === 'upload' || kind === 'file';

function registerRoute(scope: FastifyInstance, route: Route, deps: ApiDeps, state: ApiState): void {
  const handler = route.handler as unknown as (call: Call) => Promise<unknown>;
  const parameters = parametersOf(route.schema.querystring);
  scope.route({
    method: route.method,
    url: routerPath(route.path),
    schema: schemaOf(route),
    config: { takes: takes[route.kind ?? 'json'], endpoint: routes.indexOf(route) + 1 },
    bodyLimit: isUpload(route) ? Number.MAX_SAFE_INTEGER : (route.bodyLimit ?? BODY_BYTES),
    exposeHeadRoute: route.method === 'GET' && route.kind !== 'stream',
    // An upload is read as a stream by its handler, which judges every row.
    ...(isUpload(route) && { validatorCompiler: exceptBody as never }),
    onRequest: async (request) => {
      request.caller = await admit(deps.store, state, request, route, deps.clock());
      // Before the body is read: who misspells a parameter of an upload is told at once.
      expectKnown(request.query as object, parameters);
    },
    // Of a GET no body is read.
    ...(!isUpload(route) && route.method !== 'GET' && { preParsing: limitTime }),
    ...(route.schema.body !== undefined && { preValidation: emptyBody }),
    handler: async (request, reply) => {
      const { params, query, body, caller } = request;
      // The body may have taken its time; whose session has ended meanwhile may not change anything any more.
      if (caller !== null && route.method !== 'GET') await expectLive(deps.store, caller, deps.clock());
      const action = route.id;
      const call = { deps, state, params, query, body, caller, action, now: deps.clock(), request, reply } as Call;
      reply.code(route.status ?? 200);
      return handler(call);
    },
  });
}

/** The server itself sets no limit, since the upload of a large file may take its time. */
const limitTime: preParsingAsyncHookHandler = async (_request, _reply, payload) => {
  const timer = setTimeout(() => (payload as Readable).destroy(), BODY_TIME).unref();
  payload.once('close', () => clearTimeout(timer));
  payload.once('end', () => clearTimeout(timer));
  return payload;
};

/** No body at all reads as an empty one: the schema then names what is missing. */
const emptyBody: preValidationAsyncHookHandler = async (request) => {
  if (request.body === undefined) request.body = {};
};

const exceptBody: typeof compileValidator = (part) => (part.httpPart === 'body' ? () => true : compileValidator(part));

/** METHOD_NOT_ALLOWED, with `Allow`, for what a path does not take (RFC 9110, 15.5.6); before any body is read. */
function refuseOtherMethods(api: FastifyInstance): void {
  const all = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
  for (const path of new Set(routes.map((route) => route.path))) {
    const taken = routes.filter((route) => route.path === path);
    const allowed = new Set<string>(taken.map((route) => route.method));
    if (taken.some((route) => route.method === 'GET' && route.kind !== 'stream')) allowed.add('HEAD');
    api.route({
      method: all.filter((method) => !allowed.has(method)),
      url: routerPath(path),
      schema: { hide: true },
      onRequest: async (request, reply) => {
        reply.header('allow', [...allowed].join(', '));
        throw new AppError('METHOD_NOT_ALLOWED', { seen: request.method, wanted: [...allowed].join(', ') });
      },
      handler: async () => {},
    });
  }
}

/** `/api:1/a/{b}` → `/api::1/a/:b`, as the router writes it. */
function routerPath(path: string): string {
  return path.replaceAll(':', '::').replace(/\{(\w+)\}/g, ':$1');
}
