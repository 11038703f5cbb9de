/**
 * A device over MQTT 5.0, as firmware does it: one connection with keep-alive, writes with QoS 1 that are sent again until
 * they are acknowledged, values of the cloud acknowledged and reported back, new tries with back-off (device-mqtt.md).
 */
import { connect, type SecureContext, type TLSSocket } from 'node:tls';
import {
  generate,
  type IConnackPacket,
  type IDisconnectPacket,
  type IPubackPacket,
  type IPublishPacket,
  type Packet,
  parser,
} from 'mqtt-packet';
import type { Secret } from './credentials.ts';
import { backOff, bringSecret, type Device, type Scene, turnedAway } from './device.ts';
import { inPlainWords } from './explained.ts';
import { contextWith } from './target.ts';

/** s */
const KEEP_ALIVE = 60;
/** ms without a packet of ours before a PINGREQ, and of theirs before the connection counts as dead. */
const PING_AFTER = KEEP_ALIVE * 750;
const DEAD_AFTER = KEEP_ALIVE * 1_500;
/** ms for TCP, TLS, CONNACK and provisioning. */
const ENTER_WITHIN = 30_000;
/** Writes of the fleet's schedule that wait for their PUBACK; reports come on top, as many as the server has values. */
const IN_FLIGHT = 8;
/** ms that the server has to close, once we said goodbye. */
const LINGER = 2_000;

const protocolVersion = 5;
const QUOTA_EXCEEDED = 0x97;
const BAD_CREDENTIAL = 0x86;
/** Reasons not to be let in that may be gone soon: failure, unavailable, busy, quota, rate (MQTT 5.0, 3.2.2.2, 3.4.2.1). */
const passing = new Set([0x80, 0x88, 0x89, 0x97, 0x9f]);

interface Write {
  readonly topic: string;
  readonly payload: string;
  /** First sent, as performance.now(). */
  readonly since: number;
}

export class MqttDevice implements Device {
  readonly #identity: string;
  readonly #scene: Scene;
  #secret: Secret | null;
  /** Has a credential that the server has not heard of, or none: the connection is for provisioning. */
  #provisioning = false;
  /** Times that it asked to be provisioned. */
  #asks = 0;
  #context: SecureContext | null = null;
  #socket: TLSSocket | null = null;
  /** Of the last connection, so that the next handshake is a short one. */
  #session: Buffer | undefined;
  #state: 'away' | 'entering' | 'in' | 'gone' = 'away';
  #hasBeenIn = false;
  #tries = 0;
  /** Why the connection will have ended. */
  #trouble: string | null = null;
  #turnedAway = false;
  #heardAt = 0;
  #sentAt = 0;
  #lastId = 0;
  readonly #inFlight = new Map<number, Write>();

  constructor(identity: string, secret: Secret | null, scene: Scene) {
    this.#identity = identity;
    this.#secret = secret;
    this.#scene = scene;
  }

  get ready(): boolean {
    return this.#state === 'in' && this.#inFlight.size < IN_FLIGHT;
  }

  get entering(): boolean {
    return this.#state === 'entering' && this.#provisioning && this.#asks > 0;
  }

  start(): void {
    this.#prepare().then(() => this.#connect(), this.#scene.fail);
  }

  write(values: readonly string[]): void {
    const { aliases } = this.#scene;
    if (aliases.length === 1) this.#publish(`$resource/${aliases[0]!.name}`, values[0]!);
    else this.#publish('$resource', toObject(aliases, values));
  }

  tick(now: number): void {
    if (this.#state === 'in' && now - this.#sentAt >= PING_AFTER) this.#send({ cmd: 'pingreq' });
    const patience = this.#state === 'in' ? DEAD_AFTER : ENTER_WITHIN;
    if (this.#socket === null || now - this.#heardAt < patience) return;
    this.#trouble = 'no answer in time';
    this.#socket.destroy();
  }

  stop(): void {
    const socket = this.#socket;
    if (this.#state === 'in') this.#send({ cmd: 'disconnect', reasonCode: 0 });
    this.#leave('gone');
    socket?.end();
    setTimeout(() => socket?.destroy(), LINGER).unref();
  }

  async #prepare(): Promise<void> {
    if (this.#secret === null) {
      this.#secret = await bringSecret(this.#identity, this.#scene);
      // A certificate provisions by being shown.
      this.#provisioning = this.#secret?.type !== 'certificate';
    }
    if (this.#secret?.type === 'certificate') this.#context = contextWith(this.#scene.target, this.#secret);
  }

  #connect(): void {
    if (this.#state === 'gone') return;
    const { host, port, address, secureContext } = this.#scene.target;
    const socket = connect({
      host: address,
      port,
      servername: host,
      secureContext: this.#context ?? secureContext,
      ...(this.#session && { session: this.#session }),
    });
    this.#socket = socket;
    this.#state = 'entering';
    this.#trouble = null;
    this.#turnedAway = false;
    this.#heardAt = performance.now();
    socket.setNoDelay(true);
    const reader = parser({ protocolVersion });
    reader.on('packet', (packet) => this.#take(packet));
    reader.on('error', (error) => socket.destroy(error));
    socket.on('data', (bytes: Buffer) => {
      this.#heardAt = performance.now();
      reader.parse(bytes);
    });
    socket.on('session', (session) => {
      this.#session = session;
    });
    socket.once('secureConnect', () => this.#greet());
    socket.once('error', (error) => {
      this.#trouble ??= inPlainWords(error);
    });
    socket.once('close', () => this.#closed(socket));
  }

  #greet(): void {
    this.#send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion,
      clientId: this.#identity,
      clean: true,
      keepalive: KEEP_ALIVE,
      ...this.#login(),
    });
  }

  /** device-mqtt.md, CONNECT. */
  #login(): { username?: string; password?: Buffer } {
    if (this.#provisioning || this.#secret === null || this.#secret.type === 'certificate') return {};
    if (this.#secret.type === 'token') return { username: '', password: Buffer.from(this.#secret.token) };
    return { username: this.#identity, password: Buffer.from(this.#secret.password) };
  }

  #take(packet: Packet): void {
    if (this.#state === 'gone') return;
    if (packet.cmd === 'connack') this.#answered(packet);
    else if (packet.cmd === 'puback') this.#acknowledged(packet);
    else if (packet.cmd === 'publish') this.#received(packet);
    else if (packet.cmd === 'disconnect') this.#trouble = reasonOf(packet);
  }

  #answered(packet: IConnackPacket): void {
    const code = packet.reasonCode ?? 0;
    if (code === 0) {
      if (this.#provisioning) this.#askForEntry();
      else this.#enter();
      return;
    }
    this.#trouble = reasonOf(packet);
    if (passing.has(code)) return;
    if (code === BAD_CREDENTIAL && !this.#hasBeenIn && this.#secret?.type === 'password' && this.#asks === 0) {
      // A password that was kept before the server had heard of it.
      this.#provisioning = true;
      return;
    }
    this.#refused();
  }

  #askForEntry(): void {
    this.#asks += 1;
    const payload = this.#secret?.type === 'password' ? this.#secret.password : '';
    const topic = `$provision/${encodeURIComponent(this.#identity)}`;
    const messageId = this.#nextId();
    this.#send({ cmd: 'publish', topic, payload, qos: 1, dup: false, retain: false, messageId });
  }

  /** Turned away by name. Who never was in gives up; an operator may have locked the others, and let them in again. */
  #refused(): void {
    const { figures } = this.#scene;
    figures.refusedDevice(this.#trouble!);
    this.#turnedAway = true;
    if (this.#hasBeenIn) return;
    figures.givenUp += 1;
    const socket = this.#socket;
    this.#leave('gone');
    socket?.destroy();
  }

  #enter(): void {
    const { figures } = this.#scene;
    this.#state = 'in';
    this.#tries = 0;
    figures.connected += 1;
    if (this.#hasBeenIn) figures.reconnects += 1;
    else figures.provisioned += 1;
    this.#hasBeenIn = true;
    const before = [...this.#inFlight.values()];
    this.#inFlight.clear();
    // The session is a new one, so these are new messages.
    for (const write of before) this.#again(write);
  }

  #received({ topic, payload, qos, messageId }: IPublishPacket): void {
    if (qos === 1) this.#send({ cmd: 'puback', messageId, reasonCode: 0 });
    if (topic.startsWith('$provision/')) {
      this.#admitted(payload.toString()).catch(this.#scene.fail);
      return;
    }
    const [, alias] = /^\$resource\/([^/]+)\/\d+$/.exec(topic) ?? [];
    if (alias === undefined) return;
    this.#scene.figures.received += 1;
    this.#publish(`$resource/${alias}`, payload.toString());
  }

  async #admitted(token: string): Promise<void> {
    const socket = this.#socket;
    if (this.#secret === null) {
      this.#secret = { type: 'token', token };
      await this.#scene.keyring.keep(this.#identity, this.#secret);
    }
    this.#provisioning = false;
    // The connection may have ended meanwhile; the next one shows the credential.
    if (this.#socket === socket && this.#state === 'entering') this.#enter();
  }

  #acknowledged(packet: IPubackPacket): void {
    const { figures } = this.#scene;
    const write = this.#inFlight.get(packet.messageId!);
    const refused = (packet.reasonCode ?? 0) >= 0x80;
    if (write === undefined) {
      if (refused && this.#provisioning) this.#notProvisioned(packet);
      return;
    }
    this.#inFlight.delete(packet.messageId!);
    if (!refused) figures.acknowledged(write.since);
    else if (packet.reasonCode === QUOTA_EXCEEDED) this.#later(write, reasonOf(packet));
    else figures.refusedWrite(reasonOf(packet));
  }

  #notProvisioned(packet: IPubackPacket): void {
    this.#trouble = reasonOf(packet);
    if (this.#asks > 1 && this.#secret?.type === 'password') {
      // An earlier try may have been carried out, and its answer lost.
      this.#provisioning = false;
      this.#socket?.destroy();
    } else if (passing.has(packet.reasonCode!)) this.#socket?.destroy();
    else this.#refused();
  }

  #publish(topic: string, payload: string): void {
    this.#scene.figures.sent();
    this.#transmit({ topic, payload, since: performance.now() });
  }

  #again(write: Write): void {
    this.#scene.figures.repeated += 1;
    this.#transmit(write);
  }

  /** It sends too fast: the write counts as being in flight, and goes out again after a pause. */
  #later(write: Write, why: string): void {
    this.#scene.figures.failed(why);
    const id = this.#nextId();
    this.#inFlight.set(id, write);
    setTimeout(() => {
      // Another connection has sent it again already.
      if (this.#state !== 'in' || this.#inFlight.get(id) !== write) return;
      this.#inFlight.delete(id);
      this.#again(write);
    }, turnedAway()).unref();
  }

  #transmit(write: Write): void {
    const messageId = this.#nextId();
    this.#inFlight.set(messageId, write);
    const { topic, payload } = write;
    this.#send({ cmd: 'publish', topic, payload, qos: 1, dup: false, retain: false, messageId });
  }

  #nextId(): number {
    do this.#lastId = (this.#lastId % 65_535) + 1;
    while (this.#inFlight.has(this.#lastId));
    return this.#lastId;
  }

  #send(packet: Packet): void {
    this.#sentAt = performance.now();
    this.#socket?.write(generate(packet, { protocolVersion }));
  }

  #closed(socket: TLSSocket): void {
    if (this.#socket !== socket) return;
    const { figures } = this.#scene;
    this.#leave('away');
    if (!this.#turnedAway) figures.failed(this.#trouble ?? 'the server closed the connection');
    setTimeout(() => this.#connect(), this.#turnedAway ? turnedAway() : backOff(this.#tries)).unref();
    this.#tries += 1;
  }

  #leave(state: 'away' | 'gone'): void {
    if (this.#state === 'in') this.#scene.figures.connected -= 1;
    this.#state = state;
    this.#socket = null;
  }
}

/** The server's own words, or the number that it gave. */
function reasonOf({ properties, reasonCode, cmd }: IConnackPacket | IPubackPacket | IDisconnectPacket): string {
  const number = `0x${(reasonCode ?? 0).toString(16).padStart(2, '0')}`;
  return properties?.reasonString ?? `${cmd.toUpperCase()} with reason ${number}`;
}

/** A JSON object; numbers and truth values as they are. */
function toObject(aliases: Scene['aliases'], values: readonly string[]): string {
  const members = aliases.map(({ name, resource }, at) => {
    const bare = (resource?.format ?? 'number') !== 'string';
    return `${JSON.stringify(name)}:${bare ? values[at] : JSON.stringify(values[at])}`;
  });
  return `{${members.join(',')}}`;
}
