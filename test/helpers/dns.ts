/** A name server on loopback that answers what it is told to: questions for A records, over UDP (RFC 1035). */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

export interface NameServer {
  /** `<address>:<port>` */
  readonly address: string;
  /** How often it was asked for an IPv4 address. */
  asked(): number;
  close(): void;
}

/** `answer` gives the IPv4 addresses of a name, at its n-th question for them (from 1); null leaves it without an answer. */
export async function startNameServer(
  answer: (name: string, n: number) => readonly string[] | null,
): Promise<NameServer> {
  const socket = createSocket('udp4');
  let asked = 0;
  socket.on('message', (query, from) => {
    const { name, end } = readName(query);
    const isA = query.readUInt16BE(end) === 1;
    if (isA) asked += 1;
    const found = isA ? answer(name, asked) : [];
    if (found === null) return;
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8180, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(found.length, 6);
    const records = found.map((address) =>
      // A pointer to the name asked for, type A, class IN, 0 seconds, 4 bytes.
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split('.').map(Number)]),
    );
    socket.send(Buffer.concat([header, query.subarray(12, end + 4), ...records]), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { address: `127.0.0.1:${socket.address().port}`, asked: () => asked, close: () => socket.close() };
}

function readName(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}
