/** `slipway completion <shell>`: what completes commands, flags and their values, made from the table of commands. */
import type { Command } from './command.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** What the shell is to read: `source <(slipway completion bash)`. */
export const completionFor = (shell: Shell, commands: readonly Command[]): string =>
  ({ bash, zsh, fish })[shell](commands);

/** What may come next, by the words before: '' → first words, 'device' → its second ones. */
function wordsAfter(all: readonly Command[]): Map<string, { readonly word: string; readonly about: string }[]> {
  const after = new Map<string, { word: string; about: string }[]>();
  for (const { path, about } of all) {
    for (let n = 0; n < path.length; n += 1) {
      const before = path.slice(0, n).join(' ');
      const list = after.get(before) ?? [];
      const word = path[n]!;
      const isLast = n === path.length - 1;
      if (!list.some((known) => known.word === word))
        list.push({ word, about: isLast ? about : `${word}s of a server` });
      after.set(before, list);
    }
  }
  return after;
}

/** Single quotes hold everything but themselves. */
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
const flagWords = ({ flags }: Command) => [...flags.map(({ name }) => `--${name}`), '--help'];

function bash(all: readonly Command[]): string {
  const words = [...wordsAfter(all)].map(
    ([before, list]) => `    ${quoted(before)}) words=${quoted(list.map(({ word }) => word).join(' '))} ;;`,
  );
  const flags = all.map(
    (command) => `    ${quoted(command.path.join(' '))}) flags=${quoted(flagWords(command).join(' '))} ;;`,
  );
  const values = all.flatMap(({ path, flags, arguments: wanted }) => [
    ...flags.flatMap(({ name, value, choices, file }) => {
      if (value === undefined) return [];
      const kind = choices !== undefined ? `words=${quoted(choices.join(' '))}` : file ? 'files=1' : 'free=1';
      return [`    ${quoted(`${path.join(' ')} --${name}`)}) ${kind} ;;`];
    }),
    ...wanted
      .slice(0, 1)
      .flatMap(({ choices, file }) =>
        choices !== undefined || file
          ? [
              `    ${quoted(`${path.join(' ')} `)}) ${choices !== undefined ? `words=${quoted(choices.join(' '))}` : 'files=1'} ;;`,
            ]
          : [],
      ),
  ]);
  return `# bash completion of slipway: source <(slipway completion bash)
_slipway() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local command='' words='' flags='' files='' free='' at
  for ((at = 1; at < COMP_CWORD; at++)); do
    [[ \${COMP_WORDS[at]} == -* ]] && break
    case "\${command:+$command }\${COMP_WORDS[at]}" in
${[...new Set(all.flatMap(({ path }) => path.map((_, n) => path.slice(0, n + 1).join(' '))))].map((text) => `      ${quoted(text)}) command="\${command:+$command }\${COMP_WORDS[at]}" ;;`).join('\n')}
      *) break ;;
    esac
  done
  COMPREPLY=()
  case "$command" in
${words.join('\n')}
  esac
  case "$command" in
${flags.join('\n')}
  esac
  case "$command $previous" in
${values.filter((line) => line.includes(' --')).join('\n')}
  esac
  [[ -n $free ]] && return
  if [[ -z $words && -z $files && $current != -* ]]; then
    case "$command " in
${values.filter((line) => !line.includes(' --')).join('\n')}
    esac
  fi
  if [[ -n $files ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  elif [[ -n $words && $current != -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$current")
  fi
}
complete -F _slipway slipway
`;
}

function zsh(all: readonly Command[]): string {
  const described = (text: string, about: string) =>
    quoted(`${text.replaceAll(':', '\\:')}:${about.replaceAll(':', '\\:')}`);
  const words = [...wordsAfter(all)].map(
    ([before, list]) =>
      `    ${quoted(before)}) words_=(${list.map(({ word, about }) => described(word, about)).join(' ')}) ;;`,
  );
  const plain = (text: string) => text.replace(/[[\]:]/g, '\\$&');
  const commands = all.map(({ path, flags, arguments: wanted }) => {
    const specs = [
      ...flags.map(({ name, about, value, choices, file, repeated }) => {
        const action = choices !== undefined ? `(${choices.join(' ')})` : file ? '_files' : '';
        return quoted(
          `${repeated ? '*' : ''}--${name}[${plain(about)}]${value === undefined ? '' : `:${value}:${action}`}`,
        );
      }),
      quoted('--help[tell of this command]'),
      ...wanted.map(({ name, choices, file, repeated }) =>
        quoted(
          `${repeated ? '*' : ''}:${name}:${choices !== undefined ? `(${choices.join(' ')})` : file ? '_files' : ''}`,
        ),
      ),
    ];
    return `    ${quoted(path.join(' '))}) shift ${path.length} words; ((CURRENT -= ${path.length})); _arguments ${specs.join(' ')} ;;`;
  });
  return `#compdef slipway
# zsh completion of slipway: source <(slipway completion zsh)
_slipway() {
  local -a words_
  local command='' at
  for ((at = 2; at < CURRENT; at++)); do
    [[ \${words[at]} == -* ]] && break
    case "\${command:+$command }\${words[at]}" in
${[...new Set(all.flatMap(({ path }) => path.map((_, n) => path.slice(0, n + 1).join(' '))))].map((text) => `      ${quoted(text)}) command="\${command:+$command }\${words[at]}" ;;`).join('\n')}
      *) break ;;
    esac
  done
  case "$command" in
${words.join('\n')}
${commands.join('\n')}
  esac
  ((\${#words_})) && _describe 'command' words_
}
compdef _slipway slipway
`;
}

function fish(all: readonly Command[]): string {
  const lines = ['# fish completion of slipway: slipway completion fish | source', 'complete -c slipway -f'];
  const given = (path: readonly string[]) => path.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
  for (const [before, list] of wordsAfter(all)) {
    const next = `not __fish_seen_subcommand_from ${list.map(({ word }) => word).join(' ')}`;
    const when = before === '' ? '__fish_use_subcommand' : `${given(before.split(' '))}; and ${next}`;
    for (const { word, about } of list)
      lines.push(`complete -c slipway -n ${quoted(when)} -a ${word} -d ${quoted(about)}`);
  }
  for (const { path, flags, arguments: wanted } of all) {
    const when = `-n ${quoted(given(path))}`;
    for (const { name, about, value, choices, file } of flags) {
      const takes =
        value === undefined
          ? ''
          : choices !== undefined
            ? ` -x -a ${quoted(choices.join(' '))}`
            : file
              ? ' -r -F'
              : ' -x';
      lines.push(`complete -c slipway ${when} -l ${name}${takes} -d ${quoted(about)}`);
    }
    for (const { choices, file } of wanted) {
      if (choices !== undefined) lines.push(`complete -c slipway ${when} -a ${quoted(choices.join(' '))}`);
      else if (file) lines.push(`complete -c slipway ${when} -F`);
    }
  }
  return `${lines.join('\n')}\n`;
}
