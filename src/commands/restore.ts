/** `slipway restore <file> --data <empty folder>`: checks an archive, then makes a data folder of it, whole or not at all. */
import type { Checked } from '../backup/archive.ts';
import { checkBackup, restoreBackup } from '../backup/backup.ts';
import { ConfigError, loadConfig } from '../config.ts';
import { type Given, textOf } from './command.ts';
import { bytesText, tell } from './output.ts';
import { createSteps } from './steps.ts';

export async function run(_: readonly string[], given: Given): Promise<void> {
  process.umask(0o077);
  const folder = textOf(given, 'data');
  const { data } = loadConfig({ ...process.env, ...(folder && { SLIPWAY_DATA: folder }) }, []);
  const [archive] = given.positionals as [string];
  const onlyCheck = given.values.check === true;
  const work = onlyCheck ? checkBackup(archive, createSteps()) : restoreBackup(archive, data, createSteps());
  const checked = await work.catch((error: Error) => {
    const what = onlyCheck ? 'The archive is not sound' : 'Nothing was restored';
    throw new ConfigError(`${what}: ${error.message}`, { cause: error });
  });
  tell(given, { ...checked, data: onlyCheck ? null : data }, () => summary(checked, onlyCheck ? null : data));
}

function summary({ manifest, files }: Checked, data: string | null): string {
  const size = bytesText(files.reduce((sum, { size }) => sum + size, 0));
  const what = `${files.length} files, ${size}, of ${manifest.created}, by Slipway ${manifest.version}`;
  if (data === null) return `The archive is whole: ${what}.`;
  const database =
    manifest.engine === 'postgres'
      ? '\nThe database was in PostgreSQL: restore its dump too, and start with SLIPWAY_DATABASE_URL.'
      : '';
  return `${data} is restored: ${what}.${database}\nStart the server with SLIPWAY_DATA=${data}.`;
}
