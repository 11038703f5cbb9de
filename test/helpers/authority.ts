/**
 * Device certificates as operators and factories make them: the tutorial's own command, self-signed ones, and small
 * authorities with intermediates, dates and revocation. Built on the workshop of openssl.ts; knows nothing of Slipway.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { caExtensions, type Made, openWorkshop, type Workshop } from './openssl.ts';

/** PEM text, and the files that hold it. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  readonly certPath: string;
  readonly keyPath: string;
}

/** Left out: in force for twenty years, now in the middle of them. */
export interface Dates {
  readonly from?: Date;
  readonly to?: Date;
}

export interface Authority extends Certificate {
  /** A certificate of this CA on a new key. `cert` holds the leaf alone. */
  issue(cn: string, dates?: Dates): Certificate;
  /** A CA under this one. */
  intermediate(cn: string, dates?: Dates): Authority;
  /** A certificate that one of this CA's devices signed, though it is no CA. `cert` holds the signer too. */
  forge(cn: string): Certificate;
  /** A revocation list (PEM) that names these, and all that were revoked before. */
  revoke(...certificates: readonly Certificate[]): string;
}

export interface Factory {
  authority(cn: string, dates?: Dates): Authority;
  selfSigned(cn: string, dates?: Dates): Certificate;
  /** By the tutorial's command, word for word: a self-signed RSA certificate, good for 365 days. */
  tutorial(identity: string): Certificate;
  remove(): void;
}

/** A folder in which certificates are made; gone with `remove`. */
export function openFactory(): Factory {
  const workshop = openWorkshop();
  return {
    authority: (cn, dates) =>
      authority(
        workshop,
        workshop.make({ subject: `/O=Tests/CN=${cn}`, extensions: caExtensions, ...validity(dates) }),
      ),
    selfSigned: (cn, dates) => certificate(workshop.make({ subject: `/O=Tests/CN=${cn}`, ...validity(dates) })),
    tutorial: (identity) => {
      const command = `req -x509 -nodes -days 365 -sha256 -subj /C=US/ST=MN/L=Mpls/O=West/CN=${identity} -newkey rsa:2048 -keyout device-key.pem -out device-cert.pem`;
      workshop.openssl(...command.split(' '));
      return load(join(workshop.folder, 'device-cert.pem'), join(workshop.folder, 'device-key.pem'));
    },
    remove: () => workshop.remove(),
  };
}

const leafExtensions = ['basicConstraints=CA:FALSE', 'keyUsage=digitalSignature'];

function authority(workshop: Workshop, issuer: Made): Authority {
  const made = new Map<string, Made>();
  const issue = (cn: string, signer: Made, dates?: Dates) => {
    const subject = `/O=Tests/CN=${cn}`;
    const leaf = workshop.make({ subject, issuer: signer, extensions: leafExtensions, ...validity(dates) });
    made.set(leaf.certFile, leaf);
    return leaf;
  };
  return {
    ...certificate(issuer),
    issue: (cn, dates) => certificate(issue(cn, issuer, dates)),
    intermediate: (cn, dates) => {
      const subject = `/O=Tests/CN=${cn}`;
      const below = workshop.make({ subject, issuer, extensions: caExtensions, ...validity(dates) });
      made.set(below.certFile, below);
      return authority(workshop, below);
    },
    forge: (cn) => {
      const signer = issue('some-device', issuer);
      const forged = certificate(issue(cn, signer));
      return { ...forged, cert: forged.cert + signer.pem };
    },
    revoke: (...certificates) =>
      workshop.list(
        issuer,
        certificates.map(({ certPath }) => made.get(certPath)!),
      ),
  };
}

function validity({ from, to }: Dates = {}): { start?: string; end?: string } {
  const text = (date: Date) => date.toISOString().replace(/[-:T]|\.\d+/g, '');
  return { ...(from && { start: text(from) }), ...(to && { end: text(to) }) };
}

const certificate = (made: Made) => load(made.certFile, made.keyFile);

function load(certPath: string, keyPath: string): Certificate {
  return { cert: readFileSync(certPath, 'utf8'), key: readFileSync(keyPath, 'utf8'), certPath, keyPath };
}
