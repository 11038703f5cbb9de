/**
 * One buffer that all plain connections are read into, in turn. Node otherwise makes 64 KiB for each read and gives most
 * of it back, which costs more than parsing a device's request; `onread` of net.Socket is its way out, but a server has
 * no way to say so for what it accepts. Hence a second Socket on the accepted handle: the one place that uses what Node
 * does not document (`_handle`), held to Node's pinned version by the tests of the door.
 */
import { Socket, type SocketConstructorOpts } from 'node:net';

const lent = Buffer.allocUnsafeSlow(65_536);

/**
 * Takes over an accepted socket that does not read yet (`pauseOnConnect`); the one given is empty afterwards. The bytes
 * of a `data` event are to be used before its listener returns: the next event, of whatever connection, overwrites them.
 */
export function readIntoLentBuffer(accepted: Socket): Socket {
  const emptied = accepted as unknown as { _handle: unknown };
  const handle = emptied._handle as SocketConstructorOpts['handle'];
  emptied._handle = null;
  const callback = (bytes: number) => {
    socket.emit('data', lent.subarray(0, bytes));
    return true;
  };
  const socket: Socket = new Socket({ handle, allowHalfOpen: true, onread: { buffer: lent, callback } });
  return socket;
}
