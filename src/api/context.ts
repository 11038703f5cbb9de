/**
 * What every handler of the management API is given, and the shape of a row of the route table. Types only: no rule, no
 * storage, no HTTP server.
 */
import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Static, TSchema } from 'typebox';
import type { Config } from '../config.ts';
import type { Role, Session, User } from '../domain/people.ts';
import type { Slots } from '../events/webhooks/slots.ts';
import type { Logger } from '../log.ts';
import type { Family } from '../metrics/figure.ts';
import type { Tally } from '../metrics/tally.ts';
import type { Store } from '../store/store.ts';
import type { Seal } from './seal.ts';
import type { Sources, Throttle } from './throttle.ts';

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
  /** Of devices, over TLS. */
  readonly mqttPort: number;
  /** Certificate of the local CA (PEM file); null where the server's certificate is the operator's own. */
  readonly caPath: string | null;
  /** Encrypts what has to be read again, under the installation's key. */
  readonly seal: Seal;
  /** The doors of devices, and what else the server counts, for `/metrics`. */
  readonly doors?: readonly CountedDoor[];
  readonly figures?: () => readonly Family[];
}

export interface CountedDoor {
  readonly tally: Tally;
  connections(): number;
}

/** The app's own bounded memory: attempts to sign in, open event streams, and what was answered. */
export interface ApiState {
  readonly logins: Sources;
  /** When the use of a session or key was last noted: once a minute each. */
  readonly uses: Throttle;
  /** Entries in the audit log on sign-ins that failed. */
  readonly failures: Throttle;
  /** Of those, how many were left out since the last that was written. */
  unwritten: number;
  readonly streams: Map<AbortController, OpenStream>;
  /** Places for those that read a page. */
  readonly reading: Slots;
  readonly door: CountedDoor;
  /** Time between two signs of life on a stream, in ms. */
  readonly heartbeat: number;
  /** Files that are being sent to the server. */
  uploads: number;
  /** Imports that are under way, by the id of their account or key. */
  readonly imports: Map<string, number>;
}

/** An event stream, by the digest of its session or key, and whose that is. */
export interface OpenStream {
  readonly digest: string;
  readonly account: string;
  readonly raw: ServerResponse;
  /** Ends it unless its session or key is still good. */
  readonly check: () => void;
  /** Bytes of a page that are still to be written. */
  held: number;
}

export type { Role };
export type Permission = 'public' | Role;

/** Who asks: a person with a session, or a program with a key. */
export interface Caller {
  /** Id of the account or the key, as signals name it. */
  readonly id: string;
  /** As the logs name it: an email, or `key:<name>`. */
  readonly who: string;
  readonly role: Role;
  /** Ids of the connectors that it sees; null: all. */
  readonly connectors: readonly string[] | null;
  /** SHA-256 of the token or key, hex. */
  readonly digest: string;
  /** Null for a key. */
  readonly person: { readonly user: User; readonly session: Session } | null;
}

/** What a call asks of its caller beside the role. */
export interface Demands {
  /** It concerns the whole installation: for those who see all connectors. */
  readonly installation?: boolean;
  /** For people alone. */
  readonly person?: boolean;
  /** For people who have shown their password a moment ago. */
  readonly proof?: boolean;
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
  /** The id of the route: what the audit log calls it. */
  readonly action: string;
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
  readonly demands: Demands;
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
