/** Certificates, chains and revocation lists for tests, made by the real openssl in a folder that is removed afterwards. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate and its key: PEM text and the files that hold them. */
export interface Made {
  readonly pem: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** Folder of what it has issued. */
  readonly home: string;
}

interface Order {
  /** As openssl takes it: `/O=Acme/CN=Root`. */
  readonly subject: string;
  /** Left out: signs itself. */
  readonly issuer?: Made;
  /** Lines of an openssl extension section. */
  readonly extensions?: readonly string[];
  /** `YYYYMMDDHHMMSSZ` */
  readonly start?: string;
  readonly end?: string;
  readonly key?: readonly string[];
  /** Takes the key of this one. */
  readonly keyOf?: Made;
  /** Upper-case hex with an even number of digits. */
  readonly serial?: string;
  readonly digest?: string;
  readonly signatureOptions?: readonly string[];
}

export const ecKey = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'] as const;
export const rsaKey = ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'] as const;
export const ed25519Key = ['-algorithm', 'ED25519'] as const;

/** Extensions of a CA as it should be. */
export const caExtensions = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];

export interface Workshop {
  readonly folder: string;
  make(order: Order): Made;
  /** A revocation list of this CA: `revoked` certificates are on it. */
  list(ca: Made, revoked: readonly Made[], options?: { extensions?: readonly string[]; digest?: string }): string;
  /** Adds rows to what the CA has on record, as `openssl ca` keeps them. */
  append(ca: Made, rows: string): void;
  openssl(...args: string[]): string;
  remove(): void;
}

/** Makes things that are in force from 2020 to 2040 unless told otherwise; in a folder of its own unless one is given. */
export function openWorkshop(folder = mkdtempSync(join(tmpdir(), 'slipway-openssl-'))): Workshop {
  const next = () => mkdtempSync(join(folder, 'made-'));
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

  const make = (order: Order): Made => {
    const home = next();
    const certFile = join(home, 'cert.pem');
    const keyFile = order.keyOf?.keyFile ?? join(home, 'key.pem');
    if (order.keyOf === undefined) openssl('genpkey', ...(order.key ?? ecKey), '-out', keyFile);
    const csr = join(home, 'request.pem');
    openssl('req', '-new', '-utf8', '-key', keyFile, '-subj', order.subject, '-config', emptyConfig(home), '-out', csr);
    const extensionFile = join(home, 'extensions.cnf');
    writeFileSync(extensionFile, (order.extensions ?? []).join('\n'));
    const issuer = order.issuer ?? { certFile, keyFile, home };
    const signer =
      order.issuer === undefined
        ? ['-selfsign', '-keyfile', keyFile]
        : ['-cert', issuer.certFile, '-keyfile', issuer.keyFile];
    const dates = ['-startdate', order.start ?? '20200101000000Z', '-enddate', order.end ?? '20400101000000Z'];
    const files = ['-in', csr, '-out', certFile, '-extfile', extensionFile];
    const config = caConfig(issuer.home, order.digest);
    writeFileSync(
      join(issuer.home, 'serial'),
      order.serial ?? `4${randomBytes(8).toString('hex').toUpperCase()}0`.slice(0, 16),
    );
    openssl(
      'ca',
      '-batch',
      '-notext',
      '-preserveDN',
      '-config',
      config,
      ...signer,
      ...dates,
      ...files,
      ...signatureOptions(order),
    );
    return { pem: readFileSync(certFile, 'utf8'), certFile, keyFile, home };
  };

  const list: Workshop['list'] = (ca, revoked, { extensions = [], digest } = {}) => {
    const config = caConfig(ca.home, digest, extensions);
    const signer = ['-config', config, '-cert', ca.certFile, '-keyfile', ca.keyFile];
    for (const { certFile } of revoked) openssl('ca', ...signer, '-revoke', certFile);
    const out = join(next(), 'list.pem');
    openssl('ca', ...signer, '-gencrl', '-out', out);
    return readFileSync(out, 'utf8');
  };

  const append: Workshop['append'] = (ca, rows) => writeFileSync(join(ca.home, 'index.txt'), rows, { flag: 'a' });

  return { folder, make, list, append, openssl, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

function signatureOptions({ signatureOptions = [] }: Order): string[] {
  return signatureOptions.flatMap((option) => ['-sigopt', option]);
}

function emptyConfig(home: string): string {
  const path = join(home, 'request.cnf');
  writeFileSync(path, '[req]\ndistinguished_name=none\nprompt=no\n[none]\n');
  return path;
}

/** One per issuer: openssl keeps what a CA has issued in its folder. */
function caConfig(home: string, digest = 'sha256', listExtensions: readonly string[] = []): string {
  const path = join(home, 'ca.cnf');
  writeFileSync(join(home, 'index.txt'), '', { flag: 'a' });
  writeFileSync(join(home, 'index.txt.attr'), 'unique_subject = no\n');
  const lines = ['[ca]', 'default_ca=this', '[this]', `database=${home}/index.txt`, `serial=${home}/serial`];
  lines.push(`new_certs_dir=${home}`, `default_md=${digest}`, 'default_crl_days=30', 'policy=any');
  lines.push('email_in_dn=yes', 'unique_subject=no', ...(listExtensions.length > 0 ? ['crl_extensions=list'] : []));
  lines.push('[any]', 'commonName=optional', '[list]', ...listExtensions);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}
