/** The live log, as a script follows it: server-sent events over fetch. */
import assert from 'node:assert/strict';
import type { TestConnector } from './connector.ts';

export interface Told {
  readonly seq: number;
  readonly type: string;
  readonly identity: string | null;
}

/** The events that a live stream tells of from now on, until there are as many as wanted. `query`: of the stream. */
export async function follow(
  gateway: TestConnector,
  query: string,
  wanted: number,
  signal: AbortSignal,
): Promise<Told[]> {
  const url = `http://127.0.0.1:${gateway.server.console}/api:1/service/${gateway.id}/device2/events/stream`;
  const headers = { authorization: `Bearer ${await gateway.server.adminToken()}` };
  const response = await fetch(`${url}?${query}`, { headers, signal });
  assert.equal(response.status, 200);
  const told: Told[] = [];
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk, { stream: true });
    const frames = text.split('\n\n');
    text = frames.pop()!;
    for (const frame of frames) {
      const data = /^data: (.*)$/m.exec(frame)?.[1];
      if (data === undefined) continue;
      const { seq, type, identity } = JSON.parse(data);
      told.push({ seq, type, identity });
    }
    if (told.length >= wanted) break;
  }
  return told;
}
