/** Takes the one block out of a PEM text (RFC 7468). Knows nothing of what the bytes inside mean. */
import { AppError, type ErrorCode } from './errors.ts';

/**
 * The DER bytes of a text that holds exactly one block, of this label. Text before and after the block is explanatory and
 * ignored (RFC 7468, 5.2), line breaks inside are optional. Throws AppError `code`; what stands in a block never gets into it.
 */
export function decodePem(text: string, label: string, maxBytes: number, code: ErrorCode): Buffer {
  const wanted = `exactly one block -----BEGIN ${label}-----`;
  if (text.length > maxBytes) {
    throw new AppError(code, { seen: `${text.length} characters`, wanted: `${maxBytes} at most` });
  }
  const labels = Array.from(text.matchAll(/-----BEGIN ([A-Z0-9 ]{1,40})-----/g), (match) => match[1]);
  if (labels.length !== 1 || labels[0] !== label) throw new AppError(code, { seen: blocksSeen(labels), wanted });
  const [begin, end] = [`-----BEGIN ${label}-----`, `-----END ${label}-----`];
  const start = text.indexOf(begin) + begin.length;
  const body = text.slice(start, Math.max(start, text.indexOf(end, start)));
  if (body === '' || !/^[A-Za-z0-9+/=\s]*$/.test(body)) {
    throw new AppError(code, { seen: 'a block that is cut short or is no base64', wanted });
  }
  return Buffer.from(body, 'base64');
}

function blocksSeen(labels: readonly (string | undefined)[]): string {
  if (labels.length === 0) return 'no PEM block';
  return labels.length === 1 ? `a block ${labels[0]}` : `${labels.length} blocks`;
}
