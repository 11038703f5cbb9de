/** What a full disk does to files for devices: on a small disk of its own, which takes root to make. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { newConnector } from '../helpers/connector.ts';
import { startServer } from '../helpers/server.ts';
import { runTool } from '../helpers/tool.ts';

const MIB = 1 << 20;

test('a file for which the disk has no room is refused, leaves nothing, and disturbs nobody', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-disk-'));
  const mounted = await runTool('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'slipway', folder]).catch(
    (error: Error) => ({
      code: 1,
      stderr: error.message,
    }),
  );
  if (mounted.code !== 0) {
    t.diagnostic(`no small disk could be made, so nothing was tried: ${mounted.stderr}`);
    await rm(folder, { recursive: true });
    return;
  }
  try {
    const server = await startServer({ data: folder });
    try {
      const connector = await newConnector(server);
      const token = await connector.provision('d1');
      const authorization = `Bearer ${await server.adminToken()}`;
      const put = async (name: string, bytes: number) => {
        const path = `/api:1/service/${connector.id}/device2/content/${name}`;
        const body = new Uint8Array(randomBytes(bytes));
        const answer = await fetch(`http://127.0.0.1:${server.console}${path}`, {
          method: 'PUT',
          headers: { authorization },
          body,
        });
        const { code } = (await answer.json()) as { code?: string };
        return code ?? answer.status;
      };
      const files = async () =>
        (await readdir(join(folder, 'content'), { recursive: true })).filter((name) => /[0-9a-f-]{36,}$/.test(name));
      assert.equal(await put('small', MIB), 201);
      // Refused while there is still room for the database.
      assert.equal(await put('large', 60 * MIB), 'STORAGE_FULL');
      assert.equal((await files()).length, 1);
      // So little room that the disk itself refuses between two looks at it.
      const { bavail, bsize } = await statfs(folder);
      await writeFile(join(folder, 'filler'), Buffer.alloc(bavail * bsize - 3.5 * MIB));
      assert.equal(await put('late', 4 * MIB - 65_536), 'STORAGE_FULL');
      assert.equal((await files()).length, 1);
      assert.equal(await connector.write('a=1', { token }), 204);
      await rm(join(folder, 'filler'));
      assert.equal(await put('late', 4 * MIB), 201);
      assert.equal((await connector.send('/provision/download', { token })).body, 'late\nsmall\n');
    } finally {
      await server.stop();
    }
  } finally {
    await runTool('umount', [folder]);
    await rm(folder, { recursive: true, force: true });
  }
});
