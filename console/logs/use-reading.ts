/**
 * Whether somebody reads further down, or goes through the lines by keyboard: then the lines must not move under their
 * eyes.
 */
import { type FocusEvent, useCallback, useState } from 'react';

interface Reading {
  /** For an empty element just above the list. */
  readonly top: (element: HTMLElement | null) => (() => void) | undefined;
  readonly away: boolean;
  /** For the element around the list. */
  readonly bind: {
    readonly onFocus: (event: FocusEvent) => void;
    readonly onBlur: (event: FocusEvent) => void;
  };
}

/** Height of what stays in sight above the lines, in px: that much of the page is out of sight behind it. */
const COVERED = 56;

export function useReading(): Reading {
  const [scrolled, setScrolled] = useState(false);
  const [walking, setWalking] = useState(false);
  const top = useCallback((element: HTMLElement | null) => {
    if (element === null) return undefined;
    // Below the screen counts as in sight: on a narrow screen the list begins there.
    const observer = new IntersectionObserver(([entry]) => setScrolled(entry?.isIntersecting === false), {
      rootMargin: `-${COVERED}px 0px 1000000px 0px`,
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const bind = {
    onFocus: ({ target }: FocusEvent) => {
      setWalking(target.closest('li') !== null && target.matches(':focus-visible'));
    },
    onBlur: ({ relatedTarget }: FocusEvent) => {
      if (!(relatedTarget instanceof Element) || relatedTarget.closest('li') === null) setWalking(false);
    },
  };
  return { top, away: scrolled || walking, bind };
}
