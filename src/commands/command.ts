/** What a row of the table of commands says, and how arguments are read by it. Knows no command. */
import { parseArgs } from 'node:util';

export interface Flag {
  /** Without its dashes. */
  readonly name: string;
  readonly about: string;
  /** What stands for its value in usage; without one, the flag is a switch. */
  readonly value?: string;
  readonly repeated?: boolean;
  /** What its value may be, or that it is a file or folder: for completion. */
  readonly choices?: readonly string[];
  readonly file?: boolean;
}

export interface Argument {
  /** As in usage: `FILE`. */
  readonly name: string;
  readonly optional?: boolean;
  readonly repeated?: boolean;
  readonly choices?: readonly string[];
  readonly file?: boolean;
}

/** What a command was given. */
export interface Given {
  readonly values: Readonly<Record<string, string | boolean | string[] | undefined>>;
  readonly positionals: readonly string[];
}

export interface Command {
  /** Its words: `['device', 'list']`. */
  readonly path: readonly string[];
  readonly about: string;
  readonly arguments: readonly Argument[];
  readonly flags: readonly Flag[];
  /** Further lines of its usage. */
  readonly details?: string;
  /** Reads its arguments by itself; what stands here is for usage and completion alone. */
  readonly own?: boolean;
  readonly load: () => Promise<{ run(args: readonly string[], given: Given): Promise<void> }>;
}

/** Arguments that do not fit; the message says which, and what would. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Throws UsageError. */
export function readArguments({ arguments: wanted, flags }: Command, args: readonly string[]): Given {
  const options = Object.fromEntries(
    flags.map(({ name, value, repeated = false }) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const), multiple: repeated },
    ]),
  );
  let given: Given;
  try {
    given = parseArgs({ args: [...args], options, strict: true, allowPositionals: true }) as Given;
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split('. To specify')[0]!.replace(/\.$/, '')}.`);
  }
  const { length } = given.positionals;
  const missing = wanted[length];
  if (missing !== undefined && !missing.optional) throw new UsageError(`${missing.name} is missing.`);
  if (length > wanted.length && !wanted.at(-1)?.repeated) {
    throw new UsageError(`There is one argument too many: ${JSON.stringify(given.positionals[wanted.length])}.`);
  }
  for (const { name, choices } of flags) {
    const value = given.values[name];
    if (choices !== undefined && typeof value === 'string' && !choices.includes(value)) {
      throw new UsageError(`--${name} is ${JSON.stringify(value)}; expected ${choices.join(', ')}.`);
    }
  }
  return given;
}

/** The text of a flag, if it was given. */
export function textOf({ values }: Given, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

/** All texts of a flag that may be repeated. */
export function textsOf({ values }: Given, name: string): readonly string[] {
  const value = values[name];
  return Array.isArray(value) ? value : [];
}
