/**
 * A SOCKS5 proxy that leads every name to this machine: for foreign clients that cannot be told an address beside the name,
 * on machines where `*.localhost` is not known. RFC 1928, CONNECT without authentication.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface Socks {
  readonly port: number;
  close(): void;
}

export async function startSocks(): Promise<Socks> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    serve(socket, sockets).catch(() => socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function serve(socket: Socket, sockets: Set<Socket>): Promise<void> {
  // Greeting: version, methods. The client waits for each answer, so a piece is a message.
  await once(socket, 'data');
  socket.write(Buffer.from([5, 0]));
  const [request] = (await once(socket, 'data')) as [Buffer];
  const port = request.readUInt16BE(request.length - 2);
  const target = connect(port, '127.0.0.1');
  sockets.add(target);
  target.on('error', () => socket.destroy());
  await once(target, 'connect');
  socket.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, port >> 8, port & 255]));
  socket.pipe(target).pipe(socket);
}
