/** Work that can wait: parts of a page that nobody sees yet are made after those that are seen. */
import { startTransition, useEffect, useState } from 'react';

/** False until what was ready has been on the screen; then true for as long as the page is open. */
export function useAfterPaint(ready: boolean): boolean {
  const [painted, setPainted] = useState(false);
  useEffect(() => {
    if (!ready) return;
    // An effect may still run before its own frame is painted; what is asked for in a frame runs before the next one.
    let timer: ReturnType<typeof setTimeout>;
    const frame = requestAnimationFrame(() => {
      timer = setTimeout(() => startTransition(() => setPainted(true)));
    });
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }, [ready]);
  return painted;
}

/** True from the first time on: what was opened once stays, so that it can close gently. */
export function useEver(now: boolean): boolean {
  const [ever, setEver] = useState(now);
  if (now && !ever) setEver(true);
  return ever || now;
}
