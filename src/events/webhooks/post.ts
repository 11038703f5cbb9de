/**
 * Sends one delivery: a POST to an address that was looked at before it is connected to, bounded in time and in what is read
 * of the answer. Redirects are not followed. Knows nothing of webhooks, retries or what is sent.
 */
import { Resolver } from 'node:dns/promises';
import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { printable } from '../../domain/errors.ts';
import { checkTarget, mayReach, unreachable } from '../../domain/webhook.ts';

export interface PostOptions {
  /** CIDR ranges that may be reached although they are not public. */
  readonly allowed: readonly string[];
  /** ms for all of it, from the name's address to the answer. */
  readonly timeout: number;
  /** `<address>:<port>` of the servers to ask for names; those of the system unless given. */
  readonly nameServers?: readonly string[];
  /** Ends it early. */
  readonly signal: AbortSignal;
}

export interface Posted {
  /** Of the answer; null where none came. */
  readonly status: number | null;
  /** Why it is no success; null for an answer of 2xx. */
  readonly error: string | null;
}

/** Bytes of an answer that are read, as they come over the wire, for the sake of whoever sends them; nothing looks at them. */
const ANSWER_BYTES = 65_536;
/** Addresses of a name that are tried. */
const ADDRESSES_MAX = 8;
/** ms for each of them before the next is tried beside it. */
const ADDRESS_TIME = 2_000;
/** ms for a name server, and how often it is asked. */
const NAME_TIME = 2_000;
const NAME_TRIES = 2;

/** Never rejects. */
export async function post(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  options: PostOptions,
): Promise<Posted> {
  // Once more, as the ranges may be others than when it was made: of an address in a URL no name is asked.
  const fault = checkTarget(url, options.allowed);
  if (fault !== null) return { status: null, error: `saw ${printable(fault.seen)}, expected ${fault.wanted}` };
  const late = AbortSignal.timeout(options.timeout);
  const signal = AbortSignal.any([late, options.signal]);
  try {
    const status = await exchange(url, body, headers, options, signal);
    return { status, error: faultOf(status) };
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    if (late.aborted) return { status: null, error: `no answer within ${options.timeout / 1000} s` };
    return { status: null, error: printable(message || code || 'the connection broke') };
  }
}

function faultOf(status: number): string | null {
  if (status >= 200 && status < 300) return null;
  return `it answered ${status}${status >= 300 && status < 400 ? '; redirects are not followed' : ''}`;
}

/** Resolves with the status, once the answer is over or enough of it was read. */
function exchange(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  { allowed, nameServers }: PostOptions,
  signal: AbortSignal,
): Promise<number> {
  const bytes = Buffer.from(body);
  return new Promise((resolve, reject) => {
    const { request } = url.startsWith('https:') ? https : http;
    const sent = request(url, {
      method: 'POST',
      headers: { ...headers, 'content-length': bytes.length },
      // A connection of its own, which was looked at; and none of the settings that turn the check of certificates off.
      agent: false,
      rejectUnauthorized: true,
      lookup: lookupOf(allowed, nameServers, signal),
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: ADDRESS_TIME,
      signal,
    } as https.RequestOptions);
    let status: number | undefined;
    // However the answer ends, and also if the time is over: it is its status.
    sent.on('error', (error) => (status === undefined ? reject(error) : resolve(status)));
    const enough = () => (sent.socket?.bytesRead ?? 0) > ANSWER_BYTES;
    // Any number of them may come before an answer (RFC 9110, 15.2), and each costs more than it holds.
    sent.on('information', () => {
      if (enough()) sent.destroy(new Error('it sends interim answers and no answer'));
    });
    sent.on('response', (answer) => {
      status = answer.statusCode!;
      const done = () => {
        sent.destroy();
        resolve(status!);
      };
      answer.on('data', () => {
        if (enough()) done();
      });
      answer.on('end', done).on('error', done).on('close', done);
    });
    // Another protocol is no success; and whatever else ends the connection is told by nothing but its end.
    sent.on('upgrade', ({ statusCode }, socket) => {
      socket.destroy();
      resolve(statusCode!);
    });
    sent.on('close', () => reject(new Error('the connection broke')));
    sent.end(bytes);
  });
}

/**
 * Names to addresses, at the moment of connecting, so that no second question can be answered otherwise. By DNS alone: what
 * the system's own look-up does takes a thread of those that also write to disk, for as long as a name server likes.
 */
function lookupOf(
  allowed: readonly string[],
  nameServers: readonly string[] | undefined,
  signal: AbortSignal,
): LookupFunction {
  return (hostname, { all }, callback) => {
    addressesOf(hostname, nameServers, signal).then(
      (found) => {
        const open = found.filter((address) => mayReach(address, allowed)).slice(0, ADDRESSES_MAX);
        if (open.length === 0) return callback(refusal(hostname, found), '');
        const list = open.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
        if (all) callback(null, list);
        else callback(null, list[0]!.address, list[0]!.family);
      },
      (error: Error) => callback(error, ''),
    );
  };
}

function refusal(hostname: string, found: readonly string[]): Error {
  if (found.length === 0) return new Error(`DNS knows no address of ${hostname}`);
  const { seen, wanted } = unreachable(found[0]!);
  return new Error(`${hostname} has the address ${seen}, expected ${wanted}`);
}

/** IPv4 first. Empty where there is none. */
async function addressesOf(
  hostname: string,
  nameServers: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  // RFC 6761, 6.3: never asked of a server.
  if (/^(?:.+\.)?localhost\.?$/i.test(hostname)) return ['127.0.0.1', '::1'];
  const resolver = new Resolver({ timeout: NAME_TIME, tries: NAME_TRIES });
  if (nameServers !== undefined) resolver.setServers(nameServers);
  const cancel = () => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    const found = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    return found.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}
