/**
 * The line between a browser and the console's port: a real one, which a test can hold still or cut at a moment of its
 * choice. Knows nothing of HTTP but the text that it was told to look for.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TestServer } from '../helpers/server.ts';

export interface Line {
  /** The server as it is seen through this line. */
  readonly server: TestServer;
  /** Holds what the server says behind this text, which still passes. */
  holdAfter(text: string): void;
  /** Holds what the browser sends, once this many bytes of a connection have passed. */
  holdUpload(bytes: number): void;
  /** Lets everything pass. */
  release(): void;
  /** Breaks all connections, and takes no new ones until `mend`. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

export async function openLine(server: TestServer): Promise<Line> {
  const sockets = new Set<Socket>();
  const held = new Set<Socket>();
  let text: string | null = null;
  let bytes = Number.POSITIVE_INFINITY;
  let broken = false;
  const listener = createServer((near) => {
    if (broken) return void near.destroy();
    const far = connect(server.console, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.once('close', () => {
        sockets.delete(from);
        held.delete(from);
        to.destroy();
      });
    }
    let sent = 0;
    const hold = (socket: Socket) => {
      held.add(socket);
      socket.pause();
    };
    near.on('data', (chunk) => {
      sent += chunk.length;
      far.write(chunk);
      if (sent > bytes) hold(near);
    });
    far.on('data', (chunk) => {
      near.write(chunk);
      if (text !== null && chunk.includes(text)) hold(far);
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const cut = () => {
    broken = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    server: Object.create(server, { console: { value: port } }),
    holdAfter(wanted) {
      text = wanted;
    },
    holdUpload(wanted) {
      bytes = wanted;
    },
    release() {
      text = null;
      bytes = Number.POSITIVE_INFINITY;
      for (const socket of held) socket.resume();
      held.clear();
    },
    cut,
    mend() {
      broken = false;
    },
    async close() {
      cut();
      const closed = once(listener, 'close');
      listener.close();
      await closed;
    },
  };
}
