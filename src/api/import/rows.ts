/**
 * Walks the rows of an import file as they stream in: judges each by the rules in domain/import.ts, stages the good ones
 * and keeps a bounded list of the bad ones.
 */
import { readCertificate, toCredential } from '../../domain/certificate.ts';
import type { IdentityFormat } from '../../domain/connector.ts';
import { AppError } from '../../domain/errors.ts';
import { checkHeader, checkRow, type ImportColumns, type ImportRow, type RowFault } from '../../domain/import.ts';
import type { ImportDuplicate, ImportStage } from '../../store/store.ts';
import { readCsv } from './csv.ts';
import type { Report } from './progress.ts';

/** What the file was found to hold. Lists hold the first 1,000. */
export interface Tally {
  /** Rows, without the header. */
  total: number;
  /** Rows with at least one fault. */
  bad: number;
  readonly faults: RowFault[];
  readonly repeated: ImportDuplicate[];
}

const LISTED_MAX = 1000;

/** CSV_INVALID for a file that is no CSV, has a wrong header or no rows. */
export async function stageRows(
  bytes: AsyncIterable<Uint8Array>,
  stage: ImportStage,
  format: IdentityFormat,
  report: Report,
): Promise<Tally> {
  const tally: Tally = { total: 0, bad: 0, faults: [], repeated: [] };
  let columns: ImportColumns | undefined;
  for await (const page of readCsv(bytes)) {
    const good: ImportRow[] = [];
    for (const row of page) {
      if (columns === undefined) {
        columns = checkHeader(row.record);
        continue;
      }
      tally.total += 1;
      const judged = checkRow(columns, row, format, readGiven);
      if (!Array.isArray(judged)) good.push(judged);
      else noteFaults(tally, judged);
    }
    keepFirst(tally.repeated, await stage.add(good));
    report({ phase: 'reading', rows: tally.total });
  }
  if (columns === undefined) checkHeader(undefined);
  if (tally.total === 0)
    throw new AppError('CSV_INVALID', { seen: 'a header and nothing below', wanted: 'at least one row' });
  return tally;
}

function noteFaults(tally: Tally, faults: readonly RowFault[]): void {
  tally.bad += 1;
  keepFirst(tally.faults, faults);
}

function keepFirst<T>(list: T[], more: readonly T[]): void {
  list.push(...more.slice(0, LISTED_MAX - list.length));
}

function readGiven(pem: string) {
  const certificate = readCertificate(pem);
  return { credential: toCredential(certificate), commonName: certificate.commonName };
}
