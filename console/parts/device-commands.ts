/** Commands of one device, ready for a shell: how it is provisioned, writes and reads. Secrets are placeholders. */
import type { AuthType } from '../../src/domain/connector.ts';

export interface CommandContext {
  /** `https://<connector>.m2.<domain>:<port>` */
  readonly url: string;
  /** File of the CA that devices have to trust; null where the server's certificate is known to the world. */
  readonly caPath: string | null;
  readonly identity: string;
  readonly type: AuthType;
  /** Certificates have to lead to a CA of the connector: a self-signed one is refused. */
  readonly pki: boolean;
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
const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** For a device that has no credential yet. A certificate provisions it by its first call (dataCommands). */
export function activationCommands(context: CommandContext): readonly ShellCommand[] {
  const { url, identity, type } = context;
  if (type === 'certificate') return certificateCommands(context);
  const id = `id=${encodeURIComponent(identity)}`;
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

const makeKey = '-keyout device-key.pem';

/** The tutorial's own commands. The files of the CA are named as those of the Settings page. */
function certificateCommands({ identity, pki }: CommandContext): readonly ShellCommand[] {
  const subject = `-subj ${quote(`/CN=${escapeSubject(identity)}`)}`;
  if (!pki) {
    const start = 'openssl req -x509 -nodes -days 365 -sha256 -newkey rsa:2048 -utf8';
    const command = lines(start, subject, `${makeKey} -out device-cert.pem`);
    return [{ label: 'Make a key and a certificate', command }];
  }
  const request = lines(
    'openssl req -new -nodes -sha256 -newkey rsa:2048 -utf8',
    subject,
    `${makeKey} -out device.csr`,
  );
  const sign = lines(
    'openssl x509 -req -days 365 -sha256 -in device.csr',
    '-CA ca-cert.pem -CAkey ca-key.pem -CAcreateserial -out device-cert.pem',
  );
  return [
    { label: 'Make a key and a signing request', command: request },
    { label: 'Sign it with your own CA', command: sign },
  ];
}

/** `/` begins a part of a subject and `+` joins two. */
const escapeSubject = (text: string) => text.replace(/[/+\\]/g, '\\$&');
