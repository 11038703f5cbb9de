/** Takes the blocks out of what somebody pasted. What they say is for the server to tell. */

export type PemLabel = 'CERTIFICATE' | 'X509 CRL';

/** Each block of the label as a text of its own. Where there is none, the whole text: the server says what is wrong with it. */
export function blocksIn(text: string, label: PemLabel): readonly string[] {
  const blocks = text.match(new RegExp(`-----BEGIN ${label}-----[\\s\\S]*?-----END ${label}-----`, 'g'));
  return blocks === null ? [text] : [...new Set(blocks.map((block) => `${block}\n`))];
}

/** Such a text must not leave the browser. */
export const holdsPrivateKey = (text: string) => /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text);
