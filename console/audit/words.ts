/** Names of actions as people read them. Pure. */

/** `removeFactorOf` → `Remove factor of`. */
export function wordsOf(action: string): string {
  const words = action.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return words.charAt(0).toUpperCase() + words.slice(1);
}
