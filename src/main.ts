/** The command line: picks a command from the table and turns what it throws into an exit code. */
import { type Command, readArguments, UsageError } from './commands/command.ts';
import { commands } from './commands/table.ts';
import { usage, usageOf } from './commands/usage.ts';
import { ConfigError } from './config.ts';

const words = process.argv.slice(2);
const args = words[0] === 'help' ? [...words.slice(1), '--help'] : words;
/** The longest command that the words begin with. */
const found = commands
  .filter(({ path }) => path.every((word, at) => args[at] === word))
  .toSorted((a, b) => b.path.length - a.path.length)[0];
const asked = args.includes('--help') || args.includes('-h');

if (found !== undefined && asked) process.stdout.write(usageOf(found));
else if (found !== undefined) await run(found, args.slice(found.path.length));
else {
  const group = commands.filter(({ path }) => path.length > 1 && path[0] === args[0]);
  const help = usage(group.length > 0 ? group : commands);
  if (asked) process.stdout.write(help);
  else {
    process.stderr.write(`${complaint(group.length > 0)}\n\n${help}`);
    process.exitCode = 2;
  }
}

/** What is wrong with words that are no command. `inGroup`: the first is the first of several commands. */
function complaint(inGroup: boolean): string {
  const [first, second] = args;
  if (first === undefined) return 'No command given.';
  if (inGroup && (second === undefined || second.startsWith('-'))) return `Which command of ${JSON.stringify(first)}?`;
  return `Unknown command ${JSON.stringify(inGroup ? `${first} ${second}` : first)}.`;
}

async function run(command: Command, args: readonly string[]): Promise<void> {
  try {
    const given = command.own ? { values: {}, positionals: [] } : readArguments(command, args);
    await (await command.load()).run(args, given);
  } catch (error) {
    const { message, stack } = error as Error;
    const expected = error instanceof ConfigError || error instanceof UsageError;
    process.stderr.write(`${expected ? message : (stack ?? error)}\n`);
    if (error instanceof UsageError) process.stderr.write(`\n${usageOf(command)}`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}
