/** Device calls by the real curl, with the server's certificate always checked against its CA. Never `-k`. */
import assert from 'node:assert/strict';
import { type RawResponse, readResponse } from './response.ts';
import type { TestServer } from './server.ts';
import { runTool, type ToolResult } from './tool.ts';

/** Runs curl with just these arguments (and the CA); asserts that curl itself succeeded. */
export async function runCurl(server: TestServer, args: readonly string[]): Promise<ToolResult> {
  const result = await runTool('curl', ['--cacert', server.caPath, '--max-time', '60', ...args]);
  assert.equal(result.code, 0, `curl ended with ${result.code}: ${result.stderr}`);
  return result;
}

/** Runs curl and takes its answer apart. */
export async function curl(server: TestServer, args: readonly string[]): Promise<RawResponse & { stderr: string }> {
  const { stdout, stderr } = await runCurl(server, ['-sS', '-i', ...args]);
  const read = readResponse(stdout, true);
  assert.ok(read !== null, `curl printed no whole answer: ${stdout}`);
  return { ...read.response, stderr };
}
