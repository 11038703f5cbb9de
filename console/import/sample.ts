/** The file `identities.csv` to begin with: that of the tutorial, with identities that fit the format of the connector. */
import type { IdentityFormat } from '../../src/domain/connector.ts';
import { checkIdentity, SAMPLE_BYTES, sampleIdentity } from '../../src/domain/identity.ts';

/** As the tutorial has them. */
const tutorial = [
  ['00000001', 'g1', 'abc'],
  ['00000002', 'g1', 'abc'],
  ['00000003', 'g2', 'def'],
  ['00000004', 'g2', 'def'],
  ['00000005', 'g3', 'def'],
] as const;

/** A format may have fewer identities than the tutorial has devices. */
const TRIES = 200;

/** Text of the file. `random` gives that many random bytes. */
export function sampleFile(format: IdentityFormat, random: (bytes: number) => Uint8Array): string {
  const ids = tutorial.map(([id]) => id);
  const identities = ids.every((id) => checkIdentity(format, id) === null) ? ids : drawIdentities(format, random);
  const rows = tutorial.flatMap(([, group, code], i) => {
    const identity = identities[i];
    return identity === undefined ? [] : [`${quoteWhereNeeded(identity)},,${quote(tags(group, code))}\n`];
  });
  return `ID,TLS Client Certificate,Tags\n${rows.join('')}`;
}

function drawIdentities(format: IdentityFormat, random: (bytes: number) => Uint8Array): string[] {
  const found = new Set<string>();
  for (let tries = 0; tries < TRIES && found.size < tutorial.length; tries += 1) {
    found.add(sampleIdentity(format, random(SAMPLE_BYTES)));
  }
  return [...found].sort();
}

/** With the spaces of the tutorial. */
const tags = (group: string, code: string) =>
  `[{"name": "group", "value": "${group}"},{"name": "claim_code", "value": "${code}"}]`;

/** RFC 4180, 2.5 to 2.7. */
const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
const quoteWhereNeeded = (text: string) => (/[",\r\n]/.test(text) ? quote(text) : text);
