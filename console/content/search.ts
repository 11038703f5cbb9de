/** What the address of the files says: whose files are listed, and which dialog is open. */
import { oneOf, textOf } from '../devices/search.ts';

export interface ContentSearch {
  /** Files that devices sent; left out: those of people. */
  readonly by?: 'devices';
  readonly dialog?: 'upload' | 'file' | 'delete';
  /** Which file is shown or deleted. */
  readonly file?: string;
}

/** Takes whatever stands in an address; what makes no sense is left out. */
export function readContentSearch(given: Record<string, unknown>): ContentSearch {
  const file = textOf(given.file);
  const dialog = oneOf(['upload', 'file', 'delete'], given.dialog);
  const whole = dialog === 'upload' || file !== undefined;
  return {
    by: oneOf(['devices'], given.by),
    dialog: whole ? dialog : undefined,
    file: whole && dialog !== undefined && dialog !== 'upload' ? file : undefined,
  };
}
