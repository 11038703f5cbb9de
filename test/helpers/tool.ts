/** Runs the real command-line tools that a user has. A tool that is missing fails the test and says how to get it. */
import { spawn } from 'node:child_process';

export interface ToolResult {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Where a tool does not come in a package of its own name. */
const packages: Readonly<Record<string, string>> = {
  mosquitto_pub: 'mosquitto-clients (with dnf and brew: mosquitto)',
  mosquitto_sub: 'mosquitto-clients (with dnf and brew: mosquitto)',
  prlimit: 'util-linux',
  promtool: 'prometheus',
  pg_dump: 'postgresql',
  paho: 'python3-paho-mqtt (or, for the python3 on the PATH: pip install paho-mqtt==1.6.1)',
};

/** How to get what the tests need beside npm's own packages. */
export function missingTool(name: string): string {
  const from = packages[name] ?? name;
  return `${name} was not found. The tests use the real one: install it (apt-get, dnf or brew install ${from}) and put it on the PATH.`;
}

/** The Python that has Paho 1.x: the one on the PATH, or that of the system. Null if neither has. */
export async function pythonWithPaho(): Promise<{ readonly python: string; readonly version: string } | null> {
  for (const python of ['python3', '/usr/bin/python3']) {
    const ask =
      'import paho.mqtt as m, paho.mqtt.client as c; c.MQTTv5; assert m.__version__.startswith("1."); print(m.__version__)';
    const result = await runTool(python, ['-c', ask]).catch(() => null);
    if (result?.code === 0) return { python, version: `paho ${result.stdout.toString().trim()} of ${python}` };
  }
  return null;
}

/**
 * Why tests with a tool that others wrote are left out: it is not installed. False where it is, and on CI, where they
 * must not be left out: there they fail.
 */
export async function leftOut(tool: 'mosquitto_pub' | 'mosquitto_sub' | 'paho' | 'promtool'): Promise<string | false> {
  if (process.env.CI === 'true') return false;
  const there =
    tool === 'paho' ? (await pythonWithPaho()) !== null : await runTool(tool, ['--version']).then(Boolean, () => false);
  return there ? false : missingTool(tool);
}

/** Runs to the end; rejects only if the tool cannot be started. */
export function runTool(name: string, args: readonly string[], cwd?: string): Promise<ToolResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ToolResult>();
  const child = spawn(name, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk) => stdout.push(chunk));
  child.stderr.on('data', (chunk) => stderr.push(chunk));
  child.once('error', (error: NodeJS.ErrnoException) => {
    reject(error.code === 'ENOENT' ? new Error(missingTool(name)) : error);
  });
  child.once('close', (code) => {
    resolve({ code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() });
  });
  return promise;
}
