/** Texts that all nodes of an installation share and that are made once: by whoever comes first. */
import { type Database, statement } from './database.ts';

const keep = statement('keep', 'INSERT INTO kept VALUES ($1, $2) ON CONFLICT (name) DO NOTHING');
const kept = statement('kept', 'SELECT content FROM kept WHERE name = $1');

/** Keeps the text under this name unless there is one; answers what is kept. */
export type Keep = (name: string, content: string) => Promise<string>;

export function createKeep(db: Database): Keep {
  return async (name, content) => {
    await db.read(keep, [name, content]);
    return (await db.read<{ content: string }>(kept, [name]))[0]!.content;
  };
}
