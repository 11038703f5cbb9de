import assert from 'node:assert/strict';
import { EventEmitter, on, once } from 'node:events';
import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, test } from 'node:test';
import { type Made, openWorkshop } from '../../../test/helpers/openssl.ts';
import { createLogger } from '../../log.ts';
import type { Identity } from './options.ts';
import { type IdentitySource, openServerIdentity } from './server-identity.ts';

const workshop = openWorkshop();
after(workshop.remove);
const [first, second] = [workshop.make({ subject: '/CN=first' }), workshop.make({ subject: '/CN=second' })];
const keyOf = ({ keyFile }: Made) => readFile(keyFile, 'utf8');
const domain = 'example.com';
let folders = 0;

/** A folder with the first pair in it. */
async function newFolder() {
  const folder = join(workshop.folder, `identity-${++folders}`);
  await mkdir(folder);
  const certFile = join(folder, 'tls.crt');
  const keyFile = join(folder, 'tls.key');
  await writeFile(certFile, first.pem);
  await writeFile(keyFile, await keyOf(first));
  return { folder, certFile, keyFile };
}

/** Opens a source that is looked at every few milliseconds; what it tells is emitted as `change` and `log`. */
async function open(source: IdentitySource) {
  const told = new EventEmitter<{ change: [Identity]; log: [string] }>();
  const out = new PassThrough().on('data', (line) => told.emit('log', String(line)));
  const logger = createLogger('info', out);
  const identity = await openServerIdentity(source, (next) => told.emit('change', next), logger, {
    files: 5,
    renewal: 5,
  });
  return { identity, told };
}

/** Waits for a line of the log: files are caught half written now and then, and what is said of that comes first. */
async function logged(told: EventEmitter<{ change: [Identity]; log: [string] }>, wanted: RegExp): Promise<string> {
  for await (const [line] of on(told, 'log')) if (wanted.test(line)) return line;
  throw new Error('the log ended');
}

test('a pair that is replaced, file after file, is taken up once both are there', async () => {
  const { certFile, keyFile } = await newFolder();
  const { identity, told } = await open({ certFile, keyFile, domain });
  assert.deepEqual(identity.current, { cert: first.pem, key: await keyOf(first) });
  assert.equal(identity.caPath, null);
  const refused = logged(told, /old one stays.*is not the key of/);
  await writeFile(certFile, second.pem);
  await refused;
  assert.equal(identity.current.cert, first.pem);
  const changed = once(told, 'change');
  await writeFile(keyFile, await keyOf(second));
  assert.deepEqual((await changed)[0], { cert: second.pem, key: await keyOf(second) });
  assert.equal(identity.current.cert, second.pem);
  identity.close();
});

test('a file that is half written or gone is refused, and the old one stays until it is whole', async () => {
  const { certFile, keyFile } = await newFolder();
  const { identity, told } = await open({ certFile, keyFile, domain });
  for (const [damage, reason] of [
    [() => writeFile(certFile, second.pem.slice(0, 300)), /holds no PEM certificate/],
    [() => writeFile(keyFile, 'nonsense'), /holds no/],
    [() => rm(certFile), /ENOENT/],
  ] as const) {
    const refused = logged(told, reason);
    await damage();
    await refused;
    assert.equal(identity.current.cert, first.pem);
  }
  const changed = once(told, 'change');
  await writeFile(keyFile, await keyOf(second));
  await writeFile(certFile, second.pem);
  assert.equal((await changed)[0].cert, second.pem);
  identity.close();
});

test('the log never shows what a key file holds', async () => {
  const { certFile, keyFile } = await newFolder();
  const { identity, told } = await open({ certFile, keyFile, domain });
  const key = await keyOf(second);
  const refused = logged(told, /is not the key of/);
  await writeFile(keyFile, key);
  const line = await refused;
  assert.ok(line.includes(keyFile));
  assert.ok(!line.includes(key.split('\n')[1] as string));
  identity.close();
});

test('files behind a link that is exchanged, as mounted secrets do it, are taken up', async () => {
  const one = await newFolder();
  const two = await newFolder();
  await writeFile(two.certFile, second.pem);
  await writeFile(two.keyFile, await keyOf(second));
  const link = join(workshop.folder, `link-${folders}`);
  await symlink(one.folder, link);
  const { identity, told } = await open({ certFile: join(link, 'tls.crt'), keyFile: join(link, 'tls.key'), domain });
  const changed = once(told, 'change');
  await symlink(two.folder, `${link}-new`);
  await rename(`${link}-new`, link);
  assert.equal((await changed)[0].cert, second.pem);
  identity.close();
});

test('files that cannot be used to begin with are an error that names them', async () => {
  const { certFile, keyFile, folder } = await newFolder();
  await writeFile(keyFile, await keyOf(second));
  await assert.rejects(open({ certFile, keyFile, domain }), /tls\.key is not the key of .*tls\.crt/);
  await assert.rejects(open({ certFile: join(folder, 'none.crt'), keyFile, domain }), /none\.crt/);
});

test('the local CA stands in where there are no files, and a certificate that is lost or bad is renewed', async () => {
  const folder = join(workshop.folder, 'ca');
  const { identity, told } = await open({ folder, domain: 'localhost' });
  assert.equal(identity.caPath, join(folder, 'ca.pem'));
  const before = identity.current;
  const changed = once(told, 'change');
  await rm(join(folder, 'server.pem'));
  const [renewed] = await changed;
  assert.notEqual(renewed.cert, before.cert);
  assert.equal(renewed.key, before.key);
  assert.deepEqual(identity.current, renewed);
  const failed = logged(told, /could not be renewed/);
  await rm(join(folder, 'ca-key.pem'));
  await failed;
  assert.deepEqual(identity.current, renewed);
  identity.close();
});

test('nothing is told after close', async () => {
  const { certFile, keyFile } = await newFolder();
  const closed = await open({ certFile, keyFile, domain });
  const witness = await open({ certFile, keyFile, domain });
  closed.told.on('change', () => assert.fail('told after close'));
  closed.identity.close();
  const changed = once(witness.told, 'change');
  await writeFile(keyFile, await keyOf(second));
  await writeFile(certFile, second.pem);
  await changed;
  witness.identity.close();
  assert.equal(closed.identity.current.cert, first.pem);
});
