/** Commands that are shown to be copied: a shell must read them as they are meant. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runTool } from '../../test/helpers/tool.ts';
import { activationCommands, type CommandContext, dataCommands } from './device-commands.ts';

const context = (given: Partial<CommandContext> = {}): CommandContext => ({
  url: 'https://c.m2.localhost:8443',
  caPath: "/it's a/ca.pem",
  identity: "a b+c&d=/é'\\",
  type: 'token',
  pki: false,
  alias: 'temp',
  value: '20 C',
  ...given,
});

/** What a shell makes of the command: its words. */
async function wordsOf(command: string): Promise<string[]> {
  const { stdout, code } = await runTool('sh', ['-c', `printf '%s\\n' ${command}`]);
  assert.equal(code, 0);
  return stdout.toString().trimEnd().split('\n');
}

test('the identity of a token device arrives as one value of the form, the CA as one path', async () => {
  const [provision] = activationCommands(context());
  const words = await wordsOf(provision!.command);
  assert.deepEqual(words.slice(0, 3), ['curl', '--cacert', context().caPath]);
  assert.ok(words.includes('https://c.m2.localhost:8443/provision/activate'));
  assert.equal(new URLSearchParams(words.at(-1)).get('id'), context().identity);
  const [write, read] = dataCommands(context());
  assert.ok((await wordsOf(write!.command)).includes('Authorization: Token <device-token>'));
  assert.equal((await wordsOf(write!.command)).at(-1), 'temp=20%20C');
  assert.ok((await wordsOf(read!.command)).includes('https://c.m2.localhost:8443/api:v1/stack/alias?temp'));
});

test('a password goes with the identity, and authenticates as identity:password', async () => {
  const [provision] = activationCommands(context({ type: 'password' }));
  const sent = new URLSearchParams((await wordsOf(provision!.command)).at(-1));
  assert.deepEqual([...sent.keys()], ['id', 'password']);
  const [write] = dataCommands(context({ type: 'password' }));
  assert.ok((await wordsOf(write!.command)).includes(`${context().identity}:<password>`));
});

/** Runs the commands that make a certificate, in a folder of their own. */
async function certificateBy(pki: boolean): Promise<{ certificate: X509Certificate; ca: X509Certificate | null }> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-commands-'));
  const run = async (command: string) => {
    const { code, stderr } = await runTool('sh', ['-c', `cd '${folder}' && ${command}`]);
    assert.equal(code, 0, stderr);
  };
  const read = async (name: string) => new X509Certificate(await readFile(join(folder, name)));
  try {
    if (pki) await run('openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=CA -keyout ca-key.pem -out ca-cert.pem');
    for (const { command } of activationCommands(context({ type: 'certificate', pki }))) await run(command);
    return { certificate: await read('device-cert.pem'), ca: pki ? await read('ca-cert.pem') : null };
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('openssl makes a certificate of exactly that common name', async () => {
  const { certificate } = await certificateBy(false);
  assert.equal(certificate.toLegacyObject().subject.CN, context().identity);
  assert.ok(certificate.verify(certificate.publicKey));
});

test('with PKI the certificate of that common name is signed by the own CA', async () => {
  const { certificate, ca } = await certificateBy(true);
  assert.equal(certificate.toLegacyObject().subject.CN, context().identity);
  assert.ok(certificate.verify(ca!.publicKey));
});

test('without a local CA none is named', () => {
  const [provision] = activationCommands(context({ caPath: null }));
  assert.match(provision!.command, /^curl \\\n {2}-X POST/);
});
