/** Bytes that nobody thought of end connections, never the process, and others are served meanwhile. The long form: scripts/fuzz-mqtt.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz } from '../../scripts/fuzz-mqtt.ts';

test('twenty thousand inputs, from nonsense to packets with a byte changed, do not bring the server down', async (t) => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  const { inputs, served } = await fuzz({ inputs: 20_000, seed, say: () => {} });
  assert.equal(inputs, 20_000);
  assert.ok(served > 0);
});
