/** How a credential's fingerprint is written. */
/** `AB:CD:EF`, as openssl and browsers show a fingerprint, in pieces between which a line may end. */
export function formatFingerprint(hex: string): readonly { readonly at: number; readonly text: string }[] {
  const pairs = hex.toUpperCase().match(/../g) ?? [];
  return pairs.map((pair, at) => ({ at, text: at === pairs.length - 1 ? pair : `${pair}:` }));
}

/** The same in one piece. */
export const fingerprintText = (hex: string): string =>
  formatFingerprint(hex)
    .map(({ text }) => text)
    .join('');
