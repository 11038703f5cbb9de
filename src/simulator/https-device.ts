/**
 * A device over HTTPS, as firmware does it: one connection that it keeps, one write at a time, each repeated until the
 * server takes or refuses it; on wish a long poll beside, whose values it reports back (device-http.md).
 */
import type { IncomingMessage } from 'node:http';
import { Agent, request as send } from 'node:https';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Secret } from './credentials.ts';
import { backOff, bringSecret, type Device, type Scene, turnedAway } from './device.ts';
import { inPlainWords } from './explained.ts';
import { contextWith } from './target.ts';

/** ms that an answer may take. */
const ANSWER_WITHIN = 30_000;
/** ms that a long poll waits. */
const POLL = 60_000;
/** Bytes of an answer that are looked at. */
const BODY_MAX = 65_536;

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}

interface Request {
  readonly path: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
  readonly agent: Agent;
  readonly within?: number;
}

export class HttpsDevice implements Device {
  readonly #identity: string;
  readonly #scene: Scene;
  #secret: Secret | null;
  #writing: Agent | null = null;
  #listening: Agent | null = null;
  #busy = true;
  #stopped = false;
  entering = false;
  #hasConnected = false;
  /** The server has taken its credential at least once. */
  #proven = false;
  /** Values of the cloud that are still to be reported, the newest of each alias. */
  readonly #reports = new Map<string, string>();

  constructor(identity: string, secret: Secret | null, scene: Scene) {
    this.#identity = identity;
    this.#secret = secret;
    this.#scene = scene;
  }

  get ready(): boolean {
    return !this.#busy;
  }

  start(): void {
    this.#enter().catch(this.#scene.fail);
  }

  tick(): void {}

  write(values: readonly string[]): void {
    this.#deliver(this.#scene.aliases.map(({ name }, at) => [name, values[at]!])).catch(this.#scene.fail);
  }

  stop(): void {
    this.#stopped = true;
    this.#writing?.destroy();
    this.#listening?.destroy();
  }

  async #enter(): Promise<void> {
    const { figures, listen, settable } = this.#scene;
    if (this.#secret !== null) this.#writing = this.#createAgent();
    else {
      this.entering = true;
      const entered = await this.#provision();
      this.entering = false;
      if (!entered) return;
    }
    figures.provisioned += 1;
    this.#busy = false;
    if (listen && settable.length > 0) await this.#listen();
  }

  /** True with a credential that is kept; false if it was not let in. */
  async #provision(): Promise<boolean> {
    this.#secret = await bringSecret(this.#identity, this.#scene);
    this.#writing = this.#createAgent();
    const token = await this.#activate();
    if (token === null) return false;
    if (this.#secret !== null) return true;
    this.#secret = { type: 'token', token };
    await this.#scene.keyring.keep(this.#identity, this.#secret);
    return true;
  }

  /** The body of the answer; null if the device was not let in, or is stopped. */
  async #activate(): Promise<string | null> {
    const { figures } = this.#scene;
    const form: [string, string][] = [['id', this.#identity]];
    if (this.#secret?.type === 'password') form.push(['password', this.#secret.password]);
    const request = { path: '/provision/activate', body: toForm(form), agent: this.#writing! };
    for (let tries = 0; !this.#stopped; tries += 1) {
      const answer = await this.#ask(request, tries);
      if (answer === null) continue;
      if (isGood(answer)) return answer.body;
      // An earlier try may have been carried out, and its answer lost.
      if (answer.status === 409 && tries > 0 && this.#secret !== null) return '';
      figures.refusedDevice(answer.body);
      figures.givenUp += 1;
      return null;
    }
    return null;
  }

  /** Writes, again and again until there is an answer. */
  async #deliver(values: readonly (readonly [string, string])[]): Promise<void> {
    const { figures } = this.#scene;
    this.#busy = true;
    figures.sent();
    const since = performance.now();
    const body = toForm(values);
    for (let tries = 0; !this.#stopped; tries += 1) {
      if (tries > 0) figures.repeated += 1;
      const answer = await this.#ask(
        { path: '/api:v1/stack/alias', body, headers: this.#authorization(), agent: this.#writing! },
        tries,
      );
      if (answer === null) continue;
      if (isGood(answer)) {
        this.#proven = true;
        figures.acknowledged(since);
        break;
      }
      if (await this.#enteredAfterAll(answer)) continue;
      if (this.#stopped) return;
      figures.refusedWrite(answer.body);
      if ([401, 403, 404].includes(answer.status)) await pause(turnedAway());
      break;
    }
    const [next] = this.#reports;
    if (next === undefined || this.#stopped) {
      this.#busy = false;
      return;
    }
    this.#reports.delete(next[0]);
    this.#deliver([next]).catch(this.#scene.fail);
  }

  /** A password that was kept before the server had heard of it. */
  async #enteredAfterAll({ status }: Answer): Promise<boolean> {
    if (status !== 401 || this.#proven || this.#secret?.type !== 'password') return false;
    this.#proven = true;
    return (await this.#activate()) !== null;
  }

  /** Waits for values of the cloud, one long poll after the other. */
  async #listen(): Promise<void> {
    const { settable, figures } = this.#scene;
    this.#listening = this.#createAgent();
    const path = `/api:v1/stack/alias?${settable.map(encodeURIComponent).join('&')}`;
    const known = new Map<string, string>();
    let since: string | undefined;
    for (let tries = 0; !this.#stopped; ) {
      const headers = {
        ...this.#authorization(),
        'Request-Timeout': String(POLL),
        ...(since !== undefined && { 'If-Modified-Since': since }),
      };
      const answer = await this.#ask({ path, headers, agent: this.#listening, within: POLL + ANSWER_WITHIN }, tries);
      tries = answer === null ? tries + 1 : 0;
      if (answer === null || answer.status === 304) continue;
      if (answer.status !== 200) {
        figures.refusedDevice(answer.body);
        await pause(turnedAway());
        continue;
      }
      since = answer.headers['x-last-modified-us'] as string | undefined;
      for (const [alias, value] of new URLSearchParams(answer.body)) {
        // Its own report wakes the next poll.
        if (known.get(alias) === value) continue;
        known.set(alias, value);
        this.#report(alias, value);
      }
    }
  }

  #report(alias: string, value: string): void {
    this.#scene.figures.received += 1;
    if (this.#busy) this.#reports.set(alias, value);
    else this.#deliver([[alias, value]]).catch(this.#scene.fail);
  }

  /** Null: no answer, or one that says to come again, after a pause. */
  async #ask(request: Request, tries: number): Promise<Answer | null> {
    try {
      const answer = await this.#call(request);
      if (answer.status < 500 && answer.status !== 408 && answer.status !== 429) return answer;
      this.#scene.figures.failed(answer.body);
      const seconds = Number(answer.headers['retry-after']);
      await pause(seconds > 0 ? seconds * 1000 * (1 + Math.random() / 2) : backOff(tries));
    } catch (error) {
      if (this.#stopped) return null;
      this.#scene.figures.failed(inPlainWords(error));
      await pause(backOff(tries));
    }
    return null;
  }

  #call({ path, body, headers, agent, within = ANSWER_WITHIN }: Request): Promise<Answer> {
    const { host, port, address } = this.#scene.target;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const call = send({
      host: address,
      port,
      servername: host,
      agent,
      path,
      method: body === undefined ? 'GET' : 'POST',
      headers: { Host: `${host}:${port}`, ...headers, ...(body !== undefined && formHeaders(body)) },
      timeout: within,
    });
    call.once('timeout', () => call.destroy(new Error('no answer in time')));
    call.on('error', reject);
    call.once('response', (message) => read(message).then(resolve, reject));
    call.end(body);
    return promise;
  }

  /** Each device has connections of its own, and keeps them. */
  #createAgent(): Agent {
    const { target } = this.#scene;
    const own = this.#secret?.type === 'certificate' ? contextWith(target, this.#secret) : target.secureContext;
    const agent = new Agent({ keepAlive: true, maxSockets: 1, secureContext: own });
    const create = agent.createConnection.bind(agent);
    agent.createConnection = (options, callback) => {
      const socket = create(options, callback)!;
      socket.once('secureConnect', () => {
        if (agent === this.#writing) this.#count(socket);
      });
      return socket;
    };
    return agent;
  }

  /** The long poll's is not counted: it is the same device. */
  #count(socket: Duplex): void {
    const { figures } = this.#scene;
    figures.connected += 1;
    if (this.#hasConnected) figures.reconnects += 1;
    this.#hasConnected = true;
    socket.once('close', () => {
      figures.connected -= 1;
    });
  }

  #authorization(): Record<string, string> {
    const secret = this.#secret!;
    if (secret.type === 'certificate') return {};
    if (secret.type === 'token') return { Authorization: `Token ${secret.token}` };
    return { Authorization: `Basic ${Buffer.from(`${this.#identity}:${secret.password}`).toString('base64')}` };
  }
}

const isGood = ({ status }: Answer) => status >= 200 && status < 300;
const toForm = (pairs: readonly (readonly [string, string])[]) =>
  new URLSearchParams(pairs as [string, string][]).toString();
const formHeaders = (body: string) => ({
  'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8',
  'Content-Length': String(Buffer.byteLength(body)),
});
/** Does not keep the process: what is left at the end is not waited for. */
const pause = (ms: number) => delay(ms, undefined, { ref: false });

async function read(message: IncomingMessage): Promise<Answer> {
  let body = '';
  for await (const chunk of message.setEncoding('utf8')) if (body.length < BODY_MAX) body += chunk;
  return { status: message.statusCode ?? 0, body: body.trimEnd(), headers: message.headers };
}
