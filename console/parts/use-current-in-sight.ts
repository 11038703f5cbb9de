/** Keeps the current one of a row of tabs in sight, where they do not all fit. */
import { useEffect, useRef } from 'react';

/** Scrolls the row of tabs, and nothing else, so that the current one is to be seen. */
export function useCurrentInSight(current: string) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // In the next frame: asked for at once, the browser would lay the page out twice.
    const frame = requestAnimationFrame(() => {
      const row = list.current;
      const tab = row?.querySelector<HTMLElement>('[aria-selected="true"]');
      if (!row || !tab) return;
      row.scrollLeft = tab.offsetLeft - row.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
    });
    return () => cancelAnimationFrame(frame);
  }, [current]);
  return list;
}
