/** Runs the real command-line tools that a user has. A tool that is missing fails the test and says how to get it. */
import { spawn } from 'node:child_process';

export interface ToolResult {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** How to get what the tests need beside npm's own packages. */
export function missingTool(name: string): string {
  return `${name} was not found. The tests use the real one: install it (apt-get install ${name}, dnf install ${name}, brew install ${name}) and put it on the PATH.`;
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
