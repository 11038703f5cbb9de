/** Which checkout is measured: this one, unless `--compare` says another (compare.ts). The tools of the bench are always those of this one. */
import { resolve } from 'node:path';

/** Folder whose `src/` is measured; helpers of the bench inherit it. */
export const checkout = resolve(process.env.BENCH_CHECKOUT ?? resolve(import.meta.dirname, '..'));
