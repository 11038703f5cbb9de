/** What is wrong in the form: by the domain's own rules as it is typed, and by what the server refused. */
import { checkSettings } from '../../src/domain/settings.ts';
import type { FieldFault } from '../api/failure.ts';
import { settingsOf, type Values } from './values.ts';

/** Certificates and lists were decoded by the server when they were added; it judges them again when they are saved. */
const anyPem = { ca: () => null, crl: () => null };

/** The same rules that the server saves by. */
export function faultsIn(values: Values): FieldFault[] {
  return checkSettings(settingsOf(values), anyPem).map(({ path, seen, wanted }) => ({ path, seen, expected: wanted }));
}

/** Those of the form first; of the server's, those that the form does not know. */
export function joinFaults(own: readonly FieldFault[], refused: readonly FieldFault[]): FieldFault[] {
  return [...own, ...refused.filter(({ path }) => own.every((fault) => fault.path !== path))];
}

/** One sentence, to stand at the field. */
export function describeFault({ path, seen, expected }: FieldFault): string {
  if (path === 'pki.enabled') return 'PKI needs at least one CA certificate.';
  return `Expected ${expected}; this is ${seen === 'NaN' ? 'not a number' : seen}.`;
}
