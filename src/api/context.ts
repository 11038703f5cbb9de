/**
 * What every handler of the management API is given, and the shape of a row of the route table. Types only: no rule, no
 * storage, no HTTP server.
 */
import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Static, TSchema } from 'typebox';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import type { Session, Store, User } from '../store/store.ts';
import type { Seal } from './seal.ts';
import type { Sources } from './throttle.ts';

/** What the server lends to the API. */
export interface ApiDeps {
  readonly store: Store;
  readonly config: Config;
  /** µs since the epoch. */
  readonly clock: () => number;
  readonly logger: Logger;
  readonly version: string;
  /** `https://<id>.m2.<domain>:<port>` */
  readonly deviceUrl: (connectorId: string) => string;
  /** Certificate of the local CA (PEM file); null where the server's certificate is the operator's own. */
  readonly caPath: string | null;
  /** For secrets that have to be read again. */
  readonly seal: Seal;
  /** What the doors count, for `/metrics`. */
  readonly figures?: () => readonly Figure[];
}

/** A row of `/metrics`. `name` as Prometheus wants it: `slipway_long_polls`. */
export interface Figure {
  readonly name: string;
  readonly kind: 'counter' | 'gauge';
  readonly help: string;
  readonly value: number;
}

/** The app's own bounded memory: attempts to sign in, and open event streams. */
export interface ApiState {
  readonly logins: Sources;
  readonly streams: Map<AbortController, OpenStream>;
  /** Time between two signs of life on a stream, in ms. */
  readonly heartbeat: number;
  /** Files that are being sent to the server. */
  uploads: number;
}

/** An event stream, by the digest of its session. */
export interface OpenStream {
  readonly session: string;
  readonly raw: ServerResponse;
}

export type Role = User['role'];
export type Permission = 'public' | Role;

/** A signed-in account. */
export interface Caller {
  readonly user: User;
  readonly session: Session;
}

export interface RouteSchema {
  readonly params?: TSchema;
  readonly querystring?: TSchema;
  readonly body?: TSchema;
  readonly response: Readonly<Record<string, unknown>>;
}

type Part<S extends RouteSchema, K extends 'params' | 'querystring' | 'body'> = S[K] extends TSchema
  ? Static<S[K]>
  : undefined;

/** One request, checked against the schemas of its route. */
export interface Call<S extends RouteSchema = RouteSchema> {
  readonly deps: ApiDeps;
  readonly state: ApiState;
  readonly params: Part<S, 'params'>;
  readonly query: Part<S, 'querystring'>;
  readonly body: Part<S, 'body'>;
  /** Null on public routes only. */
  readonly caller: Caller | null;
  /** µs since the epoch, one reading for the whole call. */
  readonly now: number;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** What a handler answers: a body for the status of its route, or undefined for 204. */
export type Handler<S extends RouteSchema> = (call: Call<S>) => Promise<unknown>;

/** A row of the route table. `path` is written as OpenAPI does: `/a/{b}`. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly permission: Permission;
  /** Unique; the operationId of the OpenAPI document. */
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly schema: RouteSchema;
  /** Status of a success; 200 unless given. */
  readonly status?: number;
  /** Longest body in bytes; 1 MiB unless given. */
  readonly bodyLimit?: number;
  /** `upload`: the handler reads a form or CSV as a stream, `file`: whatever comes. `stream`: the answer is endless. */
  readonly kind?: 'json' | 'upload' | 'file' | 'stream';
  /** What the document says of the body of an `upload` or `file`. */
  readonly upload?: object;
  readonly handler: (call: never) => Promise<unknown>;
}

/** A handler's types follow from the schema it is declared with. */
export function handle<S extends RouteSchema>(schema: S, handler: Handler<S>): Pick<Route, 'schema' | 'handler'> {
  return { schema, handler: handler as Route['handler'] };
}
