/** PUBLISH: a value, several, a batch, a message, or provisioning, by its topic (device-mqtt.md, the device publishes). */
import { AppError, asAppError } from '../../../domain/errors.ts';
import type { Session } from '../../sessions.ts';
import type { DoorDeps, KnownTopic, Link } from '../context.ts';
import { publishOn } from '../endpoints.ts';
import { writePacket } from '../packets.ts';
import { BATCH_MAX, parseTopic, readBatch, readMessage, readObject, readText, type Topic } from '../topics.ts';
import type { Publish } from '../wire.ts';

/** ms between two tries of a device that sends faster than its connector allows. */
const RETRY_EVERY = 500;

/** Handles it. False if it has to wait, and is to be handed over again. What is thrown ends the connection. */
export function publish(link: Link, packet: Publish, deps: DoorDeps): boolean {
  const { id, from, end } = packet;
  // MQTT 5.0, 3.2.2.3.5; 3.1.1 cannot be told that nothing is retained.
  if (packet.retain && link.client!.version === 5) throw new AppError('RETAIN_UNSUPPORTED', { seen: 'RETAIN' });
  const topic = topicOf(link, packet);
  if (topic.kind === 'provision') {
    provision(link, packet, topic.identity, deps);
    return true;
  }
  const { session } = link;
  if (session === null) throw new AppError('NOT_AUTHENTICATED', { seen: `a message on ${textOf(packet)}` });
  try {
    deps.data.admit(session);
    link.accept(id, end - from, publishOn[topic.kind], act(session, topic, packet, link, deps));
  } catch (thrown) {
    const error = asAppError(thrown);
    if (error.code === 'RATE_LIMITED' && link.client!.version === 4) {
      // It has no word for "too fast": the device is read on when it may go on.
      link.pauseFor(RETRY_EVERY);
      return false;
    }
    link.refuse(id, publishOn[topic.kind], error);
  }
  return true;
}

/** The same topics come again and again, from all devices of a connector. */
const remembered = new Map<string, KnownTopic>();
const REMEMBERED_MAX = 2_000;
const TOPIC_REMEMBERED = 256;

function topicOf(link: Link, packet: Publish): Topic {
  if (link.lastTopic !== null && isTopic(packet, link.lastTopic.raw)) return link.lastTopic.topic;
  const text = textOf(packet);
  const known = remembered.get(text);
  if (known !== undefined) {
    link.lastTopic = known;
    return known.topic;
  }
  const raw = packet.bytes.subarray(packet.topicFrom, packet.topicEnd);
  const topic = parseTopic(text, raw);
  // Timestamps and identities do not come again. Bytes that are no UTF-8 may look like others with U+FFFD.
  const comesAgain = topic.kind !== 'record' && topic.kind !== 'provision' && topic.kind !== 'refused';
  if (comesAgain && text.length <= TOPIC_REMEMBERED && !text.includes('\ufffd')) {
    if (remembered.size >= REMEMBERED_MAX) remembered.clear();
    link.lastTopic = { raw: Buffer.from(raw), topic };
    remembered.set(text, link.lastTopic);
  }
  return topic;
}

const textOf = ({ bytes, topicFrom, topicEnd }: Publish) => bytes.toString('utf8', topicFrom, topicEnd);

/** Byte by byte, which for so few is quicker than a call out of JavaScript. */
function isTopic({ bytes, topicFrom, topicEnd }: Publish, raw: Buffer): boolean {
  if (topicEnd - topicFrom !== raw.length) return false;
  for (let at = 0; at < raw.length; at += 1) if (bytes[topicFrom + at] !== raw[at]) return false;
  return true;
}

/** Throws or rejects with what refuses it. */
function act(
  session: Session,
  topic: Exclude<Topic, { kind: 'provision' }>,
  { bytes, from, end }: Publish,
  { origin }: Link,
  { data }: DoorDeps,
): Promise<unknown> {
  switch (topic.kind) {
    case 'write':
      return data.write(session, [[topic.alias, readText(bytes, from, end)]], origin);
    case 'object':
      return data.write(session, readObject(readText(bytes, from, end)), origin);
    case 'record': {
      const { alias, timestamp, text } = topic;
      return record(data, session, [{ alias, timestamp, text, value: readText(bytes, from, end) }], origin);
    }
    case 'batch':
      if (end - from > BATCH_MAX) {
        throw new AppError('BODY_TOO_LARGE', { seen: `${end - from} bytes`, wanted: `at most ${BATCH_MAX}` });
      }
      return record(data, session, readBatch(readText(bytes, from, end)), origin);
    case 'message':
      return data.publish(session, { topic: topic.topic, ...readMessage(bytes, from, end) }, origin);
    case 'refused':
      throw new AppError(topic.code, { seen: topic.seen, wanted: topic.wanted });
  }
}

async function record(data: DoorDeps['data'], ...given: Parameters<DoorDeps['data']['record']>): Promise<void> {
  const [conflict] = await data.record(...given);
  if (conflict === undefined) return;
  throw new AppError('RECORD_CONFLICT', { seen: `${conflict.alias} at ${conflict.texts.join(', ')}` });
}

/** Once it is done, the connection is the device's. A device that is in may do it only for itself. */
function provision(link: Link, packet: Publish, identity: string, deps: DoorDeps): void {
  const password = packet.end > packet.from ? Buffer.from(packet.bytes.subarray(packet.from, packet.end)) : null;
  const { id } = packet;
  const topic = textOf(packet);
  const work = enter(link, topic, identity, password, deps).catch((thrown) => {
    const error = asAppError(thrown);
    // device-mqtt.md: 3.1.1 closes the connection. So does a message whose acknowledgement nobody waits for.
    if (link.client!.version === 4 || id === 0) link.end(error);
    throw error;
  });
  link.accept(id, packet.end - packet.from, publishOn.provision, work, 'logged');
  link.hold(work.catch(() => {}));
}

/** Provisions, and tells the device. */
async function enter(
  link: Link,
  topic: string,
  identity: string,
  password: Buffer | null,
  { admission }: DoorDeps,
): Promise<void> {
  const connector = link.connector();
  const { origin, session } = link;
  if (connector === null) {
    throw new AppError('CONNECTOR_UNKNOWN', {
      seen: 'no server name',
      wanted: 'a TLS server name that names a connector',
    });
  }
  if (session !== null && session.ref.identity !== identity) {
    const error = new AppError('CREDENTIAL_CONFLICT', { seen: identity, wanted: session.ref.identity });
    throw admission.refused(error, connector, identity, origin);
  }
  const certificate = link.certificate();
  const entered = await admission.enter({ connector, identity, password, certificate, origin });
  await link.enter(entered.session);
  const payload = entered.token ?? '';
  // 3.1.1 [MQTT-4.3.1-1], 5.0 [MQTT-4.3.1-1]
  const told = { cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false } as const;
  link.send(writePacket(told, link.client!.version));
  link.startSending();
}
