/** Commands of this very device, ready for a shell: how it is provisioned, writes and reads. Secrets are placeholders. */
import type { Identity } from '../api/types.ts';

export interface CommandContext {
  /** `https://<connector>.m2.<domain>:<port>` */
  readonly url: string;
  /** File of the CA that devices have to trust; null where the server's certificate is known to the world. */
  readonly caPath: string | null;
  readonly identity: string;
  readonly type: Identity['auth']['type'];
  /** Something to write. */
  readonly alias: string;
  readonly value: string;
}

export interface ShellCommand {
  readonly label: string;
  readonly command: string;
}

const form = "-H 'Content-Type: application/x-www-form-urlencoded; charset=utf-8'";
const path = '/api:v1/stack/alias';
const lines = (...parts: readonly string[]) => parts.filter((part) => part !== '').join(' \\\n  ');

/** The text as one word of a POSIX shell. */
export const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** For a device that has no credential yet. */
export function activationCommands(context: CommandContext): readonly ShellCommand[] {
  const { url, identity, type } = context;
  const id = `id=${encodeURIComponent(identity)}`;
  if (type === 'certificate') return [certificateCommand(identity), ...dataCommands(context)];
  const body = type === 'password' ? `${id}&password=<password>` : id;
  const command = lines(curl(context), `-X POST ${quote(`${url}/provision/activate`)}`, form, `-d ${quote(body)}`);
  const answer = type === 'password' ? 'a password of 20 to 512 bytes' : 'the answer is the token';
  return [{ label: `Provision (${answer})`, command }];
}

/** For a device that has one. */
export function dataCommands(context: CommandContext): readonly ShellCommand[] {
  const { url, alias, value, type } = context;
  const body = `${encodeURIComponent(alias)}=${encodeURIComponent(value)}`;
  const write = lines(curl(context), `-i ${quote(url + path)}`, proof(context), type === 'certificate' ? '' : form);
  const read = lines(curl(context), `-i ${quote(`${url}${path}?${encodeURIComponent(alias)}`)}`, proof(context));
  return [
    { label: 'Write a value', command: lines(write, `-d ${quote(body)}`) },
    { label: 'Read it', command: read },
  ];
}

const curl = ({ caPath }: CommandContext) => (caPath === null ? 'curl' : `curl --cacert ${quote(caPath)}`);

function proof({ type, identity }: CommandContext): string {
  if (type === 'token') return "-H 'Authorization: Token <device-token>'";
  if (type === 'password') return `-u ${quote(`${identity}:<password>`)}`;
  return '--cert device-cert.pem --key device-key.pem';
}

/** The tutorial's own command. `/`, `+` and `\` part names in a subject, so that they are escaped. */
function certificateCommand(identity: string): ShellCommand {
  const subject = `/CN=${identity.replace(/[/+\\]/g, '\\$&')}`;
  const command = lines(
    'openssl req -x509 -nodes -days 365 -sha256 -newkey rsa:2048 -utf8',
    `-subj ${quote(subject)}`,
    '-keyout device-key.pem -out device-cert.pem',
  );
  return { label: 'Make a key and a certificate', command };
}
