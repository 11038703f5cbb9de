/** The reader's thread: answers one question after the other from its own connection, and runs checkpoints. */
import { parentPort, workerData } from 'node:worker_threads';
import { AppError } from '../../domain/errors.ts';
import { openReader } from './database.ts';
import { questions } from './questions.ts';

const db = openReader((workerData as { folder: string }).folder);
const ask = questions(db);

parentPort!.on('message', ({ id, name, args }: { id: number; name: keyof typeof ask; args: never[] }) => {
  try {
    parentPort!.postMessage({ id, answer: (ask[name] as (...args: never[]) => unknown)(...args) });
  } catch (error) {
    const { code, seen } = error instanceof AppError ? error : { code: null, seen: String(error) };
    parentPort!.postMessage({ id, code, seen });
  }
});
