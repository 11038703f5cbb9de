/** Shows how far long work is: a line that changes on a terminal, else a line for each step. On standard error. */
import { note } from './output.ts';

/** ms between two looks. */
const SAY_EVERY = 200;

export interface Steps {
  readonly step: (name: string) => void;
  readonly progress: (done: number, total: number) => void;
}

export function createSteps(out: NodeJS.WriteStream = process.stderr): Steps {
  let name = '';
  let said = 0;
  return {
    step(next) {
      if (out.isTTY) out.write(`${name === '' ? '' : '\r\x1b[K'}${next} …`);
      else note(`${next} …`);
      name = next;
    },
    progress(done, total) {
      if (!out.isTTY || total === 0) return;
      const last = done >= total;
      if (!last && performance.now() - said < SAY_EVERY) return;
      said = performance.now();
      out.write(`\r\x1b[K${name} ${Math.floor((done / total) * 100)} %${last ? '\r\x1b[K' : ''}`);
    },
  };
}
