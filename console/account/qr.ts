/** A QR code as the path of an SVG, and the size of its square. The code is made in the page: nothing of it leaves. Pure. */
import encodeQR from 'qr';

/** Modules of white around it (ISO/IEC 18004, 5.3.8). */
const QUIET = 4;

export function qrPath(text: string): { readonly path: string; readonly size: number } {
  const rows = encodeQR(text, 'raw', { border: QUIET });
  const path = rows
    .flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : '')))
    .filter((part) => part !== '')
    .join('');
  return { path, size: rows.length };
}
