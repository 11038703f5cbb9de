/** The commands by which a device provisions and then writes, ready to paste into a shell (device-http.md). */
import type { AuthType } from '../../src/domain/connector.ts';

export interface ShellCommand {
  /** What it does. */
  readonly label: string;
  readonly command: string;
}

interface Place {
  /** Of the connector. */
  readonly url: string;
  /** Path of the local CA; null where the server's certificate is one that every client trusts. */
  readonly caPath: string | null;
  readonly identity: string;
}

const form = `-H 'Content-Type: application/x-www-form-urlencoded; charset=utf-8'`;

/** In the order in which they are run. */
export function provisioningCommands(type: AuthType, place: Place): ShellCommand[] {
  if (type === 'certificate') return byCertificate(place);
  return type === 'token' ? byToken(place) : byPassword(place);
}

function byToken(place: Place): ShellCommand[] {
  return [
    {
      label: 'Provision: the answer is the token, 40 characters',
      command: activate(place, `id=${encode(place.identity)}`),
    },
    { label: 'Write a value with that token', command: write(place, `-H 'Authorization: Token <device-token>'`) },
  ];
}

function byPassword(place: Place): ShellCommand[] {
  return [
    {
      label: 'Provision with a password of 20 to 512 bytes: the answer is 204 No Content',
      command: activate(place, `id=${encode(place.identity)}&password=<password>`),
    },
    { label: 'Write a value with that password', command: write(place, `-u ${quote(`${place.identity}:<password>`)}`) },
  ];
}

function byCertificate(place: Place): ShellCommand[] {
  const subject = quote(`/CN=${escapeSubject(place.identity)}`);
  return [
    {
      label: 'Make a certificate whose common name (CN) is the identity',
      command: lines(
        'openssl req -x509 -nodes -days 365 -sha256 -utf8 -newkey rsa:2048',
        `-subj ${subject}`,
        '-keyout device-key.pem -out device-cert.pem',
      ),
    },
    {
      label: 'Write a value: the first call with the certificate provisions the device',
      command: write(place, '--cert device-cert.pem --key device-key.pem'),
    },
  ];
}

function activate(place: Place, body: string): string {
  return lines(`${curl(place)} -X POST ${quote(`${place.url}/provision/activate`)}`, form, `-d ${quote(body)}`);
}

function write(place: Place, credential: string): string {
  const start = `${curl(place)} -i -X POST ${quote(`${place.url}/api:v1/stack/alias`)}`;
  return lines(start, credential, form, `-d 'myalias=50'`);
}

const curl = ({ caPath }: Place) => (caPath === null ? 'curl' : `curl --cacert ${quote(caPath)}`);
const lines = (...parts: string[]) => parts.join(' \\\n  ');

/** One word for a POSIX shell. */
const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** A value of a form. */
const encode = (text: string) => encodeURIComponent(text).replaceAll('%20', '+');

/** `-subj` of openssl: `/` begins a part and `+` joins two. */
const escapeSubject = (text: string) => text.replace(/[\\/+]/g, (special) => `\\${special}`);
