/** What machines ask: alive, ready. Nothing of it tells of devices or people. Figures are in metrics.ts. */

import { Type } from 'typebox';
import { handle } from './context.ts';

const text = (description: string) => ({ description, content: { 'text/plain': { schema: Type.String() } } });

/** The process answers. */
export const healthz = handle({ response: { 200: text('ok') } }, async ({ reply }) => {
  reply.type('text/plain; charset=utf-8');
  return 'ok\n';
});

/** Storage can be written. STORAGE_UNAVAILABLE */
export const readyz = handle({ response: { 200: text('ok') } }, async ({ deps, reply }) => {
  await deps.store.ping();
  reply.type('text/plain; charset=utf-8');
  return 'ok\n';
});
