/** Takes the reader to a place on the page: scrolls there, and puts the focus there. */

/** Does nothing where there is no such element. */
export function jumpTo(id: string, block: ScrollLogicalPosition = 'start'): void {
  const element = document.getElementById(id);
  element?.focus({ preventScroll: true });
  element?.scrollIntoView({ block });
}

export const headingId = (section: string) => `section-${section}`;
