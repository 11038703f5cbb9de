/** The program's own log: JSON lines, or short text on a terminal. Knows nothing of what it is told; callers leave secrets out. */
import type { LogLevel } from './config.ts';

type Fields = Record<string, unknown>;
type Log = (message: string, fields?: Fields) => void;

export interface Logger {
  readonly error: Log;
  readonly warn: Log;
  readonly info: Log;
  readonly debug: Log;
}

const ranks: Record<LogLevel, number> = { error: 0, warn: 1, info: 2, debug: 3 };

/** Writes to `out` what is at least as grave as `level`. Errors among the fields are written with their stack. */
export function createLogger(level: LogLevel, out: NodeJS.WritableStream & { isTTY?: boolean }): Logger {
  const write = (rank: LogLevel): Log => {
    if (ranks[rank] > ranks[level]) return () => {};
    return (message, fields = {}) => {
      const line = out.isTTY ? asText(rank, message, fields) : asJson(rank, message, fields);
      out.write(`${line}\n`);
    };
  };
  return { error: write('error'), warn: write('warn'), info: write('info'), debug: write('debug') };
}

function asJson(level: LogLevel, msg: string, fields: Fields): string {
  return JSON.stringify({ time: new Date().toISOString(), level, msg, ...fields }, plain);
}

function asText(level: LogLevel, msg: string, fields: Fields): string {
  const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${JSON.stringify(value, plain)}`);
  return `${new Date().toISOString().slice(11, 23)} ${level.padEnd(5)} ${msg}${rest.join('')}`;
}

function plain(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return { message: value.message, stack: value.stack, ...(value.cause === undefined ? {} : { cause: value.cause }) };
}
