/** When certificates end, and whether those of the server belong together and name its hosts. Pure. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { type Finding, fault, ok, warning } from './finding.ts';

const DAY = 86_400_000;
/** Days before its end from which on there is something to do. */
const SOON = { server: 14, localCa: 365, clientCa: 60 } as const;

/** By its dates. `renewed`: what is to be done before its end. */
export function judgeDates(subject: string, pem: string, soon: keyof typeof SOON, renewal: string, now: Date): Finding {
  let x509: X509Certificate;
  try {
    x509 = new X509Certificate(pem);
  } catch {
    return fault(subject, 'is no PEM certificate', 'Put the right file there.');
  }
  const { validFromDate: from, validToDate: to } = x509;
  const day = to.toISOString().slice(0, 10);
  const days = Math.floor((to.getTime() - now.getTime()) / DAY);
  if (from > now)
    return fault(subject, `begins only on ${from.toISOString().slice(0, 10)}`, 'Look at the clock; else replace it.');
  if (to <= now) return fault(subject, `ended on ${day}`, renewal);
  if (days < SOON[soon]) return warning(subject, `ends on ${day}, in ${days} days`, renewal);
  return ok(subject, `good until ${day}, ${days} days`);
}

/** A certificate of the operator's own, with its key. */
export function judgePair(certPem: string, keyPem: string, domain: string, now: Date): Finding[] {
  const subject = 'certificate of the server';
  const dates = judgeDates(
    subject,
    certPem,
    'server',
    'Replace the files of SLIPWAY_TLS_CERT and SLIPWAY_TLS_KEY; no restart is needed.',
    now,
  );
  if (dates.seen === 'is no PEM certificate') return [dates];
  const x509 = new X509Certificate(certPem);
  const findings = [dates];
  try {
    if (!x509.checkPrivateKey(createPrivateKey(keyPem)))
      findings.push(
        fault(
          subject,
          'belongs to another key than that of SLIPWAY_TLS_KEY',
          'Name the two files that belong together.',
        ),
      );
  } catch {
    findings.push(fault('key of the server', 'is no PEM key without a passphrase', 'Put the right file there.'));
  }
  if (x509.checkHost(`connector.m2.${domain}`) === undefined) {
    const seen = `names ${x509.subjectAltName ?? x509.subject.replaceAll('\n', ', ')}, not *.m2.${domain}`;
    findings.push(warning(subject, seen, `Have it name *.m2.${domain}: devices check the name of their connector.`));
  }
  return findings;
}
