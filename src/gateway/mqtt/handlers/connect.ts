/** CONNECT: who is there, and may it come in (device-mqtt.md, CONNECT). */
import { AppError, asAppError } from '../../../domain/errors.ts';
import type { Presented } from '../../admission.ts';
import type { Client, DoorDeps, Link } from '../context.ts';
import { IN_FLIGHT_MAX, PACKET_MAX } from '../limits.ts';
import { type ConnackProperties, type IConnectPacket, writePacket } from '../packets.ts';
import { reasonsOf } from '../reasons.ts';

/** What 3.1.1 has no words for. */
const UNLIMITED = { receiveMaximum: 65_535, packetMax: Number.POSITIVE_INFINITY };

export function connect(link: Link, packet: IConnectPacket, { admission }: DoorDeps): void {
  // 3.1.1 [MQTT-3.1.0-2], 5.0 [MQTT-3.1.0-2]
  if (link.client !== null) throw new AppError('PACKET_UNEXPECTED', { seen: 'a second CONNECT' });
  const client = clientOf(packet, link.origin.connectionId!);
  link.introduce(client);
  // 3.1.1 [MQTT-3.1.4-5], 5.0 [MQTT-3.1.4-6]: what comes behind it waits, and is not looked at after a no.
  link.hold(answer(link, packet, client, admission));
}

async function answer(
  link: Link,
  packet: IConnectPacket,
  client: Client,
  admission: DoorDeps['admission'],
): Promise<void> {
  try {
    if (client.version === 5) refuseUnsupported(packet);
    const presented = presentedBy(link, packet, admission);
    // With nothing to show it may provision, and nothing else.
    if (presented !== null) await link.enter(await admission.authenticate(presented));
  } catch (thrown) {
    const error = asAppError(thrown);
    // 3.1.1 [MQTT-3.2.2-4] [MQTT-3.2.2-5], 5.0 [MQTT-3.1.4-2] [MQTT-3.2.2-6] [MQTT-3.2.2-7] [MQTT-3.2.2-8]
    link.reject(refusal(client, error), error);
    return;
  }
  // 3.1.1 [MQTT-3.1.4-4] [MQTT-3.2.0-1], 5.0 [MQTT-3.1.4-5] [MQTT-3.2.0-1] [MQTT-3.2.0-2] [MQTT-3.2.2-1]
  link.welcome(acceptance(client, packet));
}

function clientOf(packet: IConnectPacket, connectionId: string): Client {
  const { clientId, keepalive = 0, properties = {} } = packet;
  return {
    version: packet.protocolVersion === 5 ? 5 : 4,
    // 3.1.1 [MQTT-3.1.3-5] [MQTT-3.1.3-6], 5.0 [MQTT-3.1.3-5] [MQTT-3.1.3-6] [MQTT-3.2.2-16]
    id: clientId === '' ? `slipway-${connectionId}` : clientId,
    keepAlive: keepalive,
    receiveMaximum: properties.receiveMaximum ?? UNLIMITED.receiveMaximum,
    packetMax: properties.maximumPacketSize ?? UNLIMITED.packetMax,
    // Its default is 1 (MQTT 5.0, 3.1.2.11.7).
    wantsReasons: properties.requestProblemInformation ?? true,
  };
}

/** What a 5.0 client has to be told that it cannot have. */
function refuseUnsupported({ properties, will }: IConnectPacket): void {
  // 5.0 [MQTT-4.12.0-1]
  if (properties?.authenticationMethod !== undefined) {
    throw new AppError('AUTHENTICATION_METHOD', { seen: properties.authenticationMethod, wanted: 'none' });
  }
  // 5.0 [MQTT-3.2.2-12]
  if (will?.qos === 2) throw new AppError('QOS_UNSUPPORTED', { seen: 'a will with QoS 2', wanted: 'QoS 0 or 1' });
  // 5.0 [MQTT-3.2.2-13]
  if (will?.retain) throw new AppError('RETAIN_UNSUPPORTED', { seen: 'a will that is to be retained' });
}

/** What it shows to say who it is; null where it shows nothing. */
function presentedBy(link: Link, packet: IConnectPacket, admission: DoorDeps['admission']): Presented | null {
  const { username = '', password } = packet;
  const [connector, certificate, origin] = [link.connector(), link.certificate(), link.origin];
  const presented = { connector, certificate, origin, token: null, basic: null, login: null };
  const given = password !== undefined && password.length > 0 ? password : null;
  if (username === '' && given !== null) return { ...presented, token: given.toString() };
  if (given !== null) return { ...presented, login: { identity: username, password: given } };
  if (username !== '' && certificate?.commonName !== username) {
    const error =
      certificate === null
        ? new AppError('CREDENTIAL_INVALID', {
            seen: 'a user name alone',
            wanted: 'a password or a client certificate',
          })
        : new AppError('CREDENTIAL_CONFLICT', {
            seen: `a certificate for ${certificate.commonName ?? 'nobody'}`,
            wanted: `one for ${username}`,
          });
    throw admission.refused(error, connector, null, origin);
  }
  return certificate === null ? null : presented;
}

/**
 * Session Present is 0: an MQTT session ends with its connection here. What outlives it is the state of the device, which
 * is not the client's but the credential's. 3.1.1 [MQTT-3.2.2-1] [MQTT-3.2.2-3], 5.0 [MQTT-3.2.2-2] [MQTT-3.2.2-3]
 */
const sessionPresent = false;

function acceptance(client: Client, packet: IConnectPacket): Buffer {
  if (client.version === 4) return writePacket({ cmd: 'connack', sessionPresent, returnCode: 0 }, 4);
  // No topic alias, response information or authentication is offered: 5.0 [MQTT-3.1.2-28] [MQTT-4.12.0-6]
  const properties: ConnackProperties = {
    receiveMaximum: IN_FLIGHT_MAX,
    // 5.0 [MQTT-3.2.2-9]
    maximumQoS: 1,
    retainAvailable: false,
    maximumPacketSize: PACKET_MAX,
    subscriptionIdentifiersAvailable: false,
    sharedSubscriptionAvailable: false,
  };
  // 5.0 [MQTT-3.1.3-7] [MQTT-3.2.2-16]
  if (packet.clientId === '') properties.assignedClientIdentifier = client.id;
  // 5.0, 3.2.2.3.2: other than it asked, the session ends with the connection.
  if ((packet.properties?.sessionExpiryInterval ?? 0) > 0) properties.sessionExpiryInterval = 0;
  return writePacket({ cmd: 'connack', sessionPresent, reasonCode: 0, properties }, 5);
}

function refusal(client: Client, error: AppError): Buffer {
  const { connack: returnCode, connect: reasonCode } = reasonsOf(error.code);
  if (client.version === 4) return writePacket({ cmd: 'connack', sessionPresent, returnCode }, 4);
  const properties = { reasonString: error.message };
  const told = writePacket({ cmd: 'connack', sessionPresent, reasonCode, properties }, 5);
  // 5.0 [MQTT-3.2.2-19]
  return told.length <= client.packetMax ? told : writePacket({ cmd: 'connack', sessionPresent, reasonCode }, 5);
}

/** The answer to a CONNECT of a version that is not offered, in the words of the nearest one that is. */
export function versionRefusal(version: number): Buffer {
  const { connack: returnCode, connect: reasonCode } = reasonsOf('PROTOCOL_VERSION');
  return version < 4
    ? writePacket({ cmd: 'connack', sessionPresent, returnCode }, 4)
    : writePacket({ cmd: 'connack', sessionPresent, reasonCode }, 5);
}
