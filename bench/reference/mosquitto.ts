/** Mosquitto, as Debian and others package it, on the server's core: no persistence, nobody to authenticate, no waiting of the kernel for more to send (TCP_NODELAY), which would only slow it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { onServerCore } from '../cores.ts';

export interface Mosquitto {
  readonly pid: number;
  readonly port: number;
  readonly tlsPort: number;
  stop(): Promise<void>;
}

/** What to say where it is missing. */
export const howToGet =
  'mosquitto was not found: the rows beside it are left out. Install it: apt-get install mosquitto';

/** Daemons lie where an ordinary account does not look. */
const env = { ...process.env, PATH: [process.env.PATH, '/usr/sbin', '/usr/local/sbin'].join(delimiter) };

export const hasMosquitto = (): boolean => spawnSync('mosquitto', ['-h'], { env }).error === undefined;

/** `tls`: PEM of the server's certificate and its key. */
export async function startMosquitto(tls: { readonly cert: string; readonly key: string }): Promise<Mosquitto> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-mosquitto-'));
  const [port, tlsPort] = [await freePort(), await freePort()];
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const config = file(
    'mosquitto.conf',
    `allow_anonymous true
persistence false
set_tcp_nodelay true
max_connections -1
listener ${port} 127.0.0.1
listener ${tlsPort} 127.0.0.1
certfile ${file('cert.pem', tls.cert)}
keyfile ${file('key.pem', tls.key)}
log_type none
${process.getuid?.() === 0 ? 'user root' : ''}
`,
  );
  const [command, args] = onServerCore(['-c', config], 'mosquitto');
  const child: ChildProcess = spawn(command, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const abandon = () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', abandon);
  await reachable(port);
  return {
    pid: child.pid!,
    port,
    tlsPort,
    async stop() {
      const gone = once(child, 'exit');
      child.kill();
      await gone;
      process.off('exit', abandon);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

async function reachable(port: number): Promise<void> {
  for (let n = 0; n < 100; n += 1) {
    const socket = connect(port, '127.0.0.1');
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (open) return;
    await pause(50);
  }
  throw new Error('mosquitto did not listen');
}
