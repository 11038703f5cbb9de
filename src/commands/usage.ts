/** The texts of `--help`, from the table of commands. */
import type { Argument, Command, Flag } from './command.ts';

/** Columns of a line. */
const WIDTH = 100;
const INDENT = 28;

const wordsOf = ({ path }: Command) => path.join(' ');

function shown({ name, optional, repeated }: Argument): string {
  const text = repeated ? `${name}…` : name;
  return optional ? `[${text}]` : text;
}

/** All commands, one to a line. */
export function usage(commands: readonly Command[]): string {
  const rows = commands.map((command) =>
    row(`  ${[wordsOf(command), ...command.arguments.map(shown)].join(' ')}`, command.about),
  );
  return `Usage: slipway <command> [flags]

${rows.join('\n')}

slipway <command> --help tells of its flags. connector and device call a server: SLIPWAY_API says which
(http://localhost:8080), and SLIPWAY_KEY, or SLIPWAY_EMAIL and SLIPWAY_PASSWORD, as whom.
`;
}

/** One command with its flags. */
export function usageOf(command: Command): string {
  const line = [wordsOf(command), ...command.arguments.map(shown), ...(command.flags.length > 0 ? ['[flags]'] : [])];
  const flags = command.flags.map((flag) => row(`  ${nameOf(flag)}`, flag.about));
  const details = command.details === undefined ? '' : `\n${command.details}\n`;
  return `Usage: slipway ${line.join(' ')}\n\n${command.about}\n${flags.length > 0 ? `\n${flags.join('\n')}\n` : ''}${details}`;
}

const nameOf = ({ name, value }: Flag) => (value === undefined ? `--${name}` : `--${name} ${value}`);

/** Text in two columns; what is too long goes on below. */
function row(left: string, right: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of right.split(' ')) {
    if (line !== '' && INDENT + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  const first = left.length < INDENT - 1 ? `${left.padEnd(INDENT)}${lines.shift()}` : left;
  return [first, ...lines.map((rest) => ' '.repeat(INDENT) + rest)].join('\n');
}
