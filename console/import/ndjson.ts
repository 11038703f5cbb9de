/** Reads an answer of JSON lines as it comes (management-api.md, Progress). Knows nothing of what the lines say. */

export interface LineReader {
  /** Takes more text; gives what stands on the lines that it completed. */
  push(text: string): unknown[];
  /** Takes the end; gives what stands on a last line without a line break. */
  end(): unknown[];
}

/** SyntaxError from `push` and `end` where a line is no JSON. */
export function createLineReader(): LineReader {
  let rest = '';
  return {
    push(text) {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      return parseLines(lines);
    },
    end() {
      const last = rest;
      rest = '';
      return parseLines([last]);
    },
  };
}

const parseLines = (lines: readonly string[]): unknown[] =>
  lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line));
