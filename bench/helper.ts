/** Child processes of the bench (load generators, reference servers) and how they are asked: one question at a time by IPC. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { onServerCore } from './cores.ts';

export interface Helper {
  readonly pid: number;
  /** Rejects with what the child threw, or if it ends. */
  ask<Answer>(question: object): Promise<Answer>;
  stop(): Promise<void>;
}

type Message = { readonly answer: unknown } | { readonly error: string };

/** Starts a file of this folder; `server`: on the server's core, else beside the bench itself. */
export function startHelper(file: string, role: 'server' | 'load', nodeFlags: readonly string[] = []): Helper {
  const args = [...nodeFlags, join(import.meta.dirname, file)];
  const [command, all] = role === 'server' ? onServerCore(args) : [process.execPath, args];
  const child = spawn(command, all, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return {
    pid: child.pid!,
    ask: (question) => ask(child, question),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill();
      await gone;
    },
  };
}

function ask<Answer>(child: ChildProcess, question: object): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const onExit = (code: number | null) => reject(new Error(`a helper of the bench ended with ${code}`));
  child.once('exit', onExit);
  child.once('message', (message: Message) => {
    child.off('exit', onExit);
    if ('error' in message) reject(new Error(message.error));
    else resolve(message.answer as Answer);
  });
  child.send(question);
  return promise;
}

/** In the child: answers each question with what `handle` returns. */
export function answerQuestions<Question>(handle: (question: Question) => unknown): void {
  process.on('message', async (question: Question) => {
    try {
      process.send!({ answer: (await handle(question)) ?? null });
    } catch (error) {
      process.send!({ error: (error as Error).stack ?? String(error) });
    }
  });
  process.on('disconnect', () => process.exit(0));
}
