import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { AppError } from '../../domain/errors.ts';
import type { CsvRow } from '../../domain/import.ts';
import { ROW_BYTES_MAX, readCsv, SLICE_BYTES } from './csv.ts';

async function read(source: AsyncIterable<Uint8Array>): Promise<CsvRow[]> {
  const rows: CsvRow[] = [];
  for await (const batch of readCsv(source)) rows.push(...batch);
  return rows;
}

async function* chunks(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let i = 0; at < bytes.length; i += 1) {
    const size = sizes.length === 0 ? bytes.length : sizes[i % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

const readText = (text: string | Uint8Array) => read(chunks(typeof text === 'string' ? Buffer.from(text) : text, []));
const records = (rows: readonly CsvRow[]) => rows.map((row) => row.record);

describe('CSV', () => {
  const rows: [string, string, CsvRow[]][] = [
    ['nothing', '', []],
    ['a byte order mark alone', '\ufeff', []],
    ['a byte order mark', '\ufeffID\n', [{ line: 1, record: ['ID'] }]],
    [
      'LF',
      'a,b\nc,d\n',
      [
        { line: 1, record: ['a', 'b'] },
        { line: 2, record: ['c', 'd'] },
      ],
    ],
    [
      'CRLF',
      'a,b\r\nc,d\r\n',
      [
        { line: 1, record: ['a', 'b'] },
        { line: 2, record: ['c', 'd'] },
      ],
    ],
    [
      'LF and CRLF in turn, and no end of the last line',
      'a\r\nb\nc',
      [
        { line: 1, record: ['a'] },
        { line: 2, record: ['b'] },
        { line: 3, record: ['c'] },
      ],
    ],
    [
      'empty fields',
      ',\n,""\n""',
      [
        { line: 1, record: ['', ''] },
        { line: 2, record: ['', ''] },
        { line: 3, record: [''] },
      ],
    ],
    [
      'empty lines',
      '\n\r\na\n\n\nb\n\n',
      [
        { line: 3, record: ['a'] },
        { line: 6, record: ['b'] },
      ],
    ],
    ['quotes', '"a,""b""",c\n', [{ line: 1, record: ['a,"b"', 'c'] }]],
    ['nothing but a doubled quote', '""""\n', [{ line: 1, record: ['"'] }]],
    [
      'line breaks in quotes',
      'a,"1\n2\r\n3"\nb,c\n',
      [
        { line: 1, record: ['a', '1\n2\r\n3'] },
        { line: 4, record: ['b', 'c'] },
      ],
    ],
    [
      'rows of all lengths',
      'a,b\nc\nd,e,f\n',
      [
        { line: 1, record: ['a', 'b'] },
        { line: 2, record: ['c'] },
        { line: 3, record: ['d', 'e', 'f'] },
      ],
    ],
    ['control characters and a lone CR', 'a\0b\rc,"d\0\r"\n', [{ line: 1, record: ['a\0b\rc', 'd\0\r'] }]],
    ['spaces, which belong to the field', ' a , b\n', [{ line: 1, record: [' a ', ' b'] }]],
  ];
  for (const [what, text, wanted] of rows) {
    test(`may have ${what}`, async () => {
      assert.deepEqual(await readText(text), wanted);
      assert.deepEqual(await read(chunks(Buffer.from(text), [1])), wanted);
    });
  }

  const bad: [string, string | Uint8Array, number, RegExp][] = [
    ['a quote that is never closed', 'a\nb,"c\nd\ne', 2, /a quote that is never closed/],
    ['text after a closing quote', 'a\n"b\n"c\n', 2, /text after a closing quote/],
    ['a NUL after a closing quote', 'a\n"b"\0\n', 2, /text after a closing quote/],
    ['a lone CR after a closing quote', '"b"\rc\n', 1, /text after a closing quote/],
    ['a quote inside a plain field', 'a\n\nb"c\n', 3, /a quote inside a field/],
    ['unquoted JSON', 'ID,Tags\n1,[{"name":"a"}]\n', 2, /a quote inside a field/],
    ['Latin-1', Buffer.from('a\nb\nGr\u00f6\u00dfe,1\nc\n', 'latin1'), 3, /bytes that are no UTF-8/],
    ['UTF-16', Buffer.from('\ufeffID\n1\n', 'utf16le'), 1, /bytes that are no UTF-8/],
    ['half a character at the end', Buffer.from('a\nbé').subarray(0, -1), 2, /bytes that are no UTF-8/],
    ['a surrogate', Buffer.from([0x61, 0x0a, 0xed, 0xa0, 0x80]), 2, /bytes that are no UTF-8/],
    ['17 fields', `a\n${','.repeat(16)}\n`, 2, /more than 16 fields/],
    ['endless empty fields', `a\n${','.repeat(10_000_000)}`, 2, /more than 16 fields/],
    ['an endless plain field', `a\n${'b'.repeat(10_000_000)}`, 2, /more than 65536 bytes/],
    ['an endless quoted field', `a\n"${'b\n'.repeat(5_000_000)}`, 2, /more than 65536 bytes/],
    ['a row of one byte too many', `a\n${'b'.repeat(ROW_BYTES_MAX)}\nc\n`, 2, /more than 65536 bytes/],
  ];
  for (const [what, text, line, message] of bad) {
    test(`may not have ${what}, and the line is named`, async () => {
      await assert.rejects(readText(text), (error) => {
        assert.ok(error instanceof AppError && error.code === 'CSV_INVALID');
        assert.match(error.message, message);
        assert.match(error.message, new RegExp(`on line ${line}\\b`));
        assert.deepEqual(error.details, { line });
        return true;
      });
    });
  }

  test('may have 16 fields, and a row of 65,536 bytes with its line break', async () => {
    const long = 'b'.repeat(ROW_BYTES_MAX - 1);
    assert.deepEqual(records(await readText(`${long}\n${','.repeat(15)}\n`)), [[long], Array(16).fill('')]);
    const quoted = `"${'""'.repeat((ROW_BYTES_MAX - 4) / 2)}"\n`;
    assert.deepEqual(records(await readText(`a\n${quoted}b\n`)), [['a'], ['"'.repeat((ROW_BYTES_MAX - 4) / 2)], ['b']]);
  });

  test('is given in batches while more of it is still to come', async () => {
    let given = 0;
    async function* endless() {
      for (;;) {
        given += 1;
        yield Buffer.from('00000001,,""\n'.repeat(1000));
      }
    }
    let rows = 0;
    for await (const batch of readCsv(endless())) {
      assert.ok(batch.length <= 65_536);
      rows += batch.length;
      if (rows > 100_000) break;
    }
    assert.ok(given < 120);
  });

  test('that is refused, or no longer wanted, closes its source', async () => {
    let closed = 0;
    async function* source() {
      try {
        yield Buffer.from('a"\n'.repeat(50_000));
        yield Buffer.from('b\n');
      } finally {
        closed += 1;
      }
    }
    await assert.rejects(read(source()), AppError);
    assert.equal(closed, 1);
  });

  test('whose source fails, fails with it', async () => {
    async function* source() {
      yield Buffer.from('a\n');
      throw new Error('the connection broke');
    }
    await assert.rejects(read(source()), /the connection broke/);
  });
});

const field = fc.oneof(
  fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r\n', '\r', 'a', 'é', '😀', ' ', '\0'), maxLength: 12 }),
  fc.string({ unit: 'grapheme' }),
);
const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });

/** The text behind a row of padding that makes a slice end at byte `cut` of it. */
function cutAt(text: Uint8Array, cut: number): Uint8Array {
  return Buffer.concat([Buffer.alloc(SLICE_BYTES - cut - 1, 'p'), Buffer.from('\n'), text]);
}
const place = fc.nat({ max: 40 });

/** RFC 4180, 2: a field in quotes where it must be, or where it wants to. */
function write(text: string, quoted: boolean): string {
  return quoted || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

test('What is written as CSV is read back, with the line of each row, however it is cut into chunks', async () => {
  const row = fc.record({
    fields: fc.array(fc.record({ text: field, quoted: fc.boolean() }), { minLength: 1, maxLength: 16 }),
    blank: fc.boolean(),
    end: fc.constantFrom('\n', '\r\n'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(row), sizes, fc.boolean(), place, async (file, cuts, mark, cut) => {
      let text = '';
      const wanted: CsvRow[] = [];
      for (const { fields, blank, end } of file) {
        if (blank) text += end;
        const record = fields.map((given) => given.text);
        const alone = fields.length === 1 && record[0] === '';
        wanted.push({ line: text.split('\n').length, record });
        text += fields.map((given) => write(given.text, given.quoted || alone)).join(',') + end;
      }
      // A file may begin with U+FEFF of its own only behind a mark.
      const bytes = Buffer.from((mark || text.startsWith('\ufeff') ? '\ufeff' : '') + text);
      assert.deepEqual(await read(chunks(bytes, cuts)), wanted);
      const moved = wanted.map(({ line, record }) => ({ line: line + 1, record }));
      assert.deepEqual((await readText(cutAt(Buffer.from(text), cut))).slice(1), moved);
    }),
    { numRuns: 500 },
  );
});

test('A file of many slices is read back where rows and characters are cut by their ends', async () => {
  const wanted = Array.from({ length: 20_000 }, (_, i) => [
    String(i).padStart(8, '0'),
    'é😀"'.repeat(i % 9),
    '-\r\n'.repeat(i % 4),
  ]);
  const text = wanted.map((record) => record.map((value) => write(value, true)).join(',')).join('\r\n');
  const rows = await read(chunks(Buffer.from(text), [70_001, 3, 131_072]));
  assert.deepEqual(records(rows), wanted);
  let line = 1;
  for (const [i, row] of rows.entries()) {
    assert.equal(row.line, line);
    line += 1 + (i % 4);
  }
});

test('Bytes of any kind give rows, or CSV_INVALID, and the same however they are cut', async () => {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .array(fc.constantFrom(0x22, 0x2c, 0x0d, 0x0a, 0x61, 0xc3, 0xa9, 0x00), { maxLength: 60 })
      .map((bytes) => Uint8Array.from(bytes)),
  );
  const outcome = async (source: AsyncIterable<Uint8Array>): Promise<{ rows: CsvRow[] } | { message: string }> => {
    try {
      return { rows: await read(source) };
    } catch (error) {
      assert.ok(error instanceof AppError && error.code === 'CSV_INVALID', String(error));
      return { message: error.message };
    }
  };
  await fc.assert(
    fc.asyncProperty(noise, sizes, place, async (bytes, cuts, cut) => {
      const whole = await outcome(chunks(bytes, []));
      assert.deepEqual(await outcome(chunks(bytes, cuts)), whole);
      if ('rows' in whole) new TextDecoder('utf-8', { fatal: true }).decode(bytes);
      const behind = await outcome(chunks(Buffer.concat([Buffer.from('p\n'), bytes]), []));
      const apart = await outcome(chunks(cutAt(bytes, cut), []));
      if ('rows' in behind && 'rows' in apart) assert.deepEqual(apart.rows.slice(1), behind.rows.slice(1));
      else assert.deepEqual(apart, behind);
    }),
    { numRuns: 2000 },
  );
});

test('Text of any kind is read as csv-parse reads it', async () => {
  const units = fc.constantFrom('"', '""', ',', '\n', '\r\n', '\r', 'a', 'é', ' ');
  const options = { bom: true, relax_column_count: true, record_delimiter: ['\r\n', '\n'], skip_empty_lines: true };
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: units, maxLength: 15 }), async (text) => {
      let wanted: unknown;
      try {
        wanted = parse(text, options);
      } catch {
        await assert.rejects(readText(text), AppError);
        return;
      }
      assert.deepEqual(records(await readText(text)), wanted);
    }),
    { numRuns: 3000 },
  );
});
