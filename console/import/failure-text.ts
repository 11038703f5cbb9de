/** What went wrong with a file, what was or was not written, and what to do: in sentences. */
import { ApiFailure, explain, isSessionEnd, titleOf, Unreachable } from '../api/failure.ts';

/** The browser cannot read the file any more: it was changed, moved or deleted after it was chosen. */
export class FileUnreadable extends Error {
  override readonly name = 'FileUnreadable';
  constructor(cause?: unknown) {
    super('The file cannot be read.', { cause });
  }
}

export interface FailureText {
  readonly title: string;
  readonly text: string;
  /** The same request may do better next time. */
  readonly retry: boolean;
  /** Row of the server's catalogue of errors. */
  readonly code: string | null;
}

/** Nothing has been written in any of these cases: a writing whose end is not known is no failure but `lost` (state.ts). */
export function tellFailure(error: unknown, fileName: string): FailureText {
  if (error instanceof FileUnreadable) {
    const title = 'The file has changed since it was chosen';
    const text =
      'It was changed, moved or deleted, or it is a folder. Nothing was written. Choose it again: it is then checked as it is now.';
    return { title, text, retry: false, code: null };
  }
  if (error instanceof Unreachable) {
    const title = 'The server cannot be reached';
    const text =
      'It may be stopped, or the network between is down. Nothing was written; the file and your choices are still here. Try again once it is back.';
    return { title, text, retry: true, code: null };
  }
  if (isSessionEnd(error)) {
    const title = 'Your session has ended';
    const text = 'Nothing was written; the file and your choices are still here. Sign in, then try again.';
    return { title, text, retry: true, code: null };
  }
  if (!(error instanceof ApiFailure)) return { title: titleOf(error), text: explain(error), retry: true, code: null };
  const { code } = error;
  if (code === 'CSV_INVALID') {
    const text = `${error.message} ${hintFor(fileName)}Nothing was written. Correct the file and choose it again.`;
    return { title: 'This file cannot be read as a list of devices', text, retry: false, code };
  }
  if (code === 'IMPORT_REFUSED') {
    const text =
      'Something has changed since the check, in the file or in the settings: there are bad rows now. Nothing was written. Look at them below.';
    return { title: 'This was refused', text, retry: false, code };
  }
  const retry = error.status >= 500 || error.retryAfter !== null;
  return { title: titleOf(error), text: `${explain(error)} Nothing was written.`, retry, code };
}

function hintFor(fileName: string): string {
  return /\.(xlsx?|xlsm|ods|numbers)$/i.test(fileName) ? 'It is a workbook: save it as "CSV UTF-8" first. ' : '';
}
