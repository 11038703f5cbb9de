/** The data folder: who may read and write it, and how much room there is. */
import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { readMoved } from '../store/sqlite/moved.ts';
import { type Finding, fault, ok, warning } from './finding.ts';

const MIB = 1_048_576;
/** Bytes free below which writes are about to fail, and below which a backup or a burst may fill the disk. */
const LITTLE = 100 * MIB;
const SOME = 1_024 * MIB;

/** Files that are for the server's account alone. */
const secrets = ['slipway.db', 'slipway.db-wal', 'seal.key', 'ca/ca-key.pem', 'ca/server-key.pem'];

export async function lookAtFolder(folder: string): Promise<Finding[]> {
  const state = await stat(folder).catch(() => null);
  if (state === null) {
    return [
      warning(
        'data folder',
        `${folder} is not there`,
        'The first start makes it. If there should be one: SLIPWAY_DATA names another.',
      ),
    ];
  }
  if (!state.isDirectory()) return [fault('data folder', `${folder} is no folder`, 'Name a folder with SLIPWAY_DATA.')];
  return [...(await permissions(folder, state)), ...(await room(folder))];
}

/** For a server whose database is in the folder. */
export async function lookForMove(folder: string): Promise<Finding[]> {
  const moved = await readMoved(folder);
  return moved === null ? [] : [fault('data folder', 'no server starts on it', `${moved}.`)];
}

async function permissions(folder: string, state: { mode: number; uid: number }): Promise<Finding[]> {
  const findings: Finding[] = [];
  const own = process.getuid?.() ?? state.uid;
  if (own !== 0 && state.uid !== own) {
    findings.push(
      fault(
        'data folder',
        `belongs to account ${state.uid}; this is ${own}`,
        `Run this as the server's account, or: chown -R ${own} ${folder}`,
      ),
    );
  }
  const writable = await access(folder, constants.R_OK | constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!writable)
    findings.push(fault('data folder', `${folder} cannot be written`, 'Give it to the account of the server.'));
  if ((state.mode & 0o077) !== 0) {
    findings.push(
      warning('data folder', `mode ${octal(state.mode)}: others of this machine may look in`, `chmod 700 ${folder}`),
    );
  }
  for (const name of secrets) {
    const file = join(folder, name);
    const found = await stat(file).catch(() => null);
    if (found === null || (found.mode & 0o077) === 0) continue;
    // Behind a folder that is closed nobody gets at it.
    const level = (state.mode & 0o077) === 0 ? warning : fault;
    findings.push(level(name, `mode ${octal(found.mode)}: not for its owner alone`, `chmod 600 ${file}`));
  }
  if (findings.length === 0) findings.push(ok('permissions', `${folder} and its keys are for one account alone`));
  return [...findings, ...(await sealKey(folder))];
}

/** A database without the key that belongs to it: nobody would hear of it before the next start. */
async function sealKey(folder: string): Promise<Finding[]> {
  const isThere = async (name: string) => (await stat(join(folder, name)).catch(() => null)) !== null;
  if (!(await isThere('slipway.db')) || (await isThere('seal.key'))) return [];
  const seen = 'is not there: the next start makes another, which opens no second factor and no secret of a webhook';
  return [fault('seal.key', seen, 'Put seal.key of a backup in its place before the server starts.')];
}

const octal = (mode: number) => (mode & 0o777).toString(8).padStart(3, '0');

async function room(folder: string): Promise<Finding[]> {
  const { bavail, bsize, files, ffree } = await statfs(folder);
  const free = bavail * bsize;
  const database = (await stat(join(folder, 'slipway.db')).catch(() => null))?.size ?? 0;
  const seen = `${Math.floor(free / MIB).toLocaleString('en')} MiB free`;
  const findings: Finding[] = [];
  if (free < LITTLE) findings.push(fault('disk', seen, 'Make room: writes are refused once the disk is full.'));
  else if (free < SOME || free < database) {
    const todo = 'Make room soon; where history is kept without end, set retention.history_days.';
    findings.push(warning('disk', `${seen}, ${Math.ceil(database / MIB).toLocaleString('en')} MiB of database`, todo));
  } else findings.push(ok('disk', seen));
  if (files > 0 && ffree / files < 0.01)
    findings.push(warning('disk', `${ffree} files can still be made`, 'Remove files that are not needed.'));
  return findings;
}
