/** The command that provisions a device of a connector, as it can be pasted into a shell. */
import type { AuthType } from '../../src/domain/connector.ts';

interface Facts {
  readonly url: string;
  /** Path of the local CA on the machine of the server; null where the certificate is a public one. */
  readonly ca: string | null;
  readonly identity: string;
  readonly auth: AuthType;
}

/** Quoted for a POSIX shell. */
const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

export function provisionCommand({ url, ca, identity, auth }: Facts): string {
  const id = encodeURIComponent(identity);
  const trust = ca === null ? [] : [`--cacert ${quote(ca)}`];
  if (auth === 'certificate') {
    const call = `curl -i ${quote(`${url}/api:v1/stack/alias`)}`;
    return [call, ...trust, "-d 'myalias=55'", '--cert device-cert.pem', '--key device-key.pem'].join(' \\\n  ');
  }
  const body = auth === 'password' ? `id=${id}&password=a-password-of-20-bytes-or-more` : `id=${id}`;
  const call = `curl -i -X POST ${quote(`${url}/provision/activate`)}`;
  return [call, ...trust, `-d ${quote(body)}`].join(' \\\n  ');
}
