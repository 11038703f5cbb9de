/** Identities as a factory's list has them: eight digits, counted up, two tags each, as in the tutorial's identities.csv. */

/** `n` from 0: `00000000`, `00000001` … */
export const identityOf = (n: number): string => String(n).padStart(8, '0');

/** Tags of the device `n`: a group of 100 devices, and one of 1,000 claim codes. */
export const tagsOf = (n: number) => [
  { name: 'group', value: `g${Math.floor(n / 100)}` },
  { name: 'claim_code', value: `c${n % 1_000}` },
];

/** Lines of a CSV file, with its header. */
export function* whitelistRows(count: number): Generator<string> {
  yield 'ID,TLS Client Certificate,Tags\n';
  for (let n = 0; n < count; n += 1) {
    yield `${identityOf(n)},,"${JSON.stringify(tagsOf(n)).replaceAll('"', '""')}"\n`;
  }
}
