/** Commands that are shown to be copied: a shell must read them as they are meant. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runTool } from '../../test/helpers/tool.ts';
import { provisioningCommands } from './commands.ts';

const place = { url: 'https://c.m2.localhost:8443', caPath: "/it's a/ca.pem", identity: "a b+c&d=/é'\\" };

/** What a shell makes of the command: its words. */
async function wordsOf(command: string): Promise<string[]> {
  const { stdout, code } = await runTool('sh', ['-c', `printf '%s\\n' ${command}`]);
  assert.equal(code, 0);
  return stdout.toString().trimEnd().split('\n');
}

test('the identity of a token device arrives as one value of the form, the CA as one path', async () => {
  const [provision, write] = provisioningCommands('token', place);
  const words = await wordsOf(provision!.command);
  assert.deepEqual(words.slice(0, 3), ['curl', '--cacert', place.caPath]);
  assert.ok(words.includes('https://c.m2.localhost:8443/provision/activate'));
  assert.equal(new URLSearchParams(words.at(-1)).get('id'), place.identity);
  assert.ok((await wordsOf(write!.command)).includes('Authorization: Token <device-token>'));
});

test('a password goes with the identity, and authenticates as identity:password', async () => {
  const [provision, write] = provisioningCommands('password', place);
  const sent = new URLSearchParams((await wordsOf(provision!.command)).at(-1));
  assert.deepEqual([...sent.keys()], ['id', 'password']);
  assert.ok((await wordsOf(write!.command)).includes(`${place.identity}:<password>`));
});

test('openssl makes a certificate of exactly that common name', async () => {
  const [make] = provisioningCommands('certificate', place);
  const words = await wordsOf(make!.command);
  const args = words.slice(1, words.indexOf('-keyout'));
  const made = await runTool('openssl', [...args, '-keyout', '/dev/null']);
  assert.equal(made.code, 0, made.stderr);
  const { X509Certificate } = await import('node:crypto');
  assert.equal(new X509Certificate(made.stdout).toLegacyObject().subject.CN, place.identity);
});

test('without a local CA none is named', () => {
  const [provision] = provisioningCommands('token', { ...place, caPath: null });
  assert.match(provision!.command, /^curl -X POST/);
});
