/** Text of an identity in which nothing hides: two that look alike on the screen must not be two devices. */

/** Format characters and odd spaces: zero-width ones, marks of direction, no-break spaces (Unicode general categories). */
const unseen = /[\p{Cf}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;

/** Characters that nobody can see, or tell from a space, stand there by number: `‹U+200B›`. */
export const visible = (text: string) =>
  text.replace(unseen, (character) => `‹U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}›`);
