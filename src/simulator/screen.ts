/** Shows a running fleet: redrawn in place on a terminal, else a line a second, or JSON; and the summary at its end. */
import type { Figures, Second, Summary } from './figures.ts';
import type { Reason } from './reasons.ts';

export type Style = 'terminal' | 'lines' | 'json';

export interface Screen {
  /** Something to be known beside the figures. */
  note(text: string): void;
  show(second: Second, refusals: readonly Reason[]): void;
  finish(summary: Summary): void;
}

/** Refusals shown while it runs. */
const SHOWN = 3;
const EVERY = 1_000;

/** Figures go to `out`; with JSON, notes go to `err`. */
export function createScreen(style: Style, out: NodeJS.WritableStream, err: NodeJS.WritableStream): Screen {
  const line = (text: string) => void out.write(`${text}\n`);
  if (style === 'json') {
    return {
      note: (text) => void err.write(`${text}\n`),
      show: (second) => line(JSON.stringify({ type: 'second', ...second })),
      finish: (summary) => line(JSON.stringify({ type: 'summary', ...summary })),
    };
  }
  if (style === 'lines') {
    return { note: line, show: (second) => line(oneLine(second)), finish: (summary) => line(inWords(summary)) };
  }
  /** Lines that the next look takes away. */
  let drawn = 0;
  const draw = (text: string) => {
    // A line that the terminal breaks would be two to take away.
    const width = (out as NodeJS.WriteStream).columns || Number.POSITIVE_INFINITY;
    const lines = text.split('\n').map((line) => line.slice(0, width - 1));
    const up = drawn === 0 ? '' : `\x1b[${drawn}A\x1b[J`;
    out.write(`${up}${lines.join('\n')}\n`);
    drawn = lines.length;
  };
  return {
    note: (text) => {
      drawn = 0;
      line(text);
    },
    show: (second, refusals) => draw(table(second, refusals)),
    finish: (summary) => line(inWords(summary)),
  };
}

/** Shows the figures once a second until the answer is called. */
export function startShowing(screen: Screen, figures: Figures): () => void {
  const timer = setInterval(() => screen.show(figures.look(), figures.refusals()), EVERY);
  return () => clearInterval(timer);
}

const number = (value: number) => value.toLocaleString('en-US');
const ms = (value: number | null) => (value === null ? '–' : value < 10 ? value.toFixed(1) : number(Math.round(value)));
/** `1:05` */
const clock = (seconds: number) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;

/** How far the server is behind; empty if it keeps up. */
function lag({ behind, missed }: Second): string {
  if (behind === 0 && missed === 0) return '';
  return `behind by ${number(behind)} writes${missed === 0 ? '' : `, ${number(missed)} left out`}`;
}

function oneLine(second: Second): string {
  const parts = [
    `${clock(second.seconds)}`,
    `connected ${number(second.connected)}/${number(second.devices)}`,
    `provisioned ${number(second.provisioned)}`,
    `${number(second.writesPerSecond)} writes/s`,
    `in flight ${number(second.inFlight)}`,
    `p50 ${ms(second.p50)} ms`,
    `p99 ${ms(second.p99)} ms`,
    `refused ${number(second.refused)}`,
    `reconnects ${number(second.reconnects)}`,
    `received ${number(second.received)}`,
    lag(second),
  ];
  return parts.filter((part) => part !== '').join('  ');
}

function table(second: Second, refusals: readonly Reason[]): string {
  const row = (a: string, b: string, c: string, d: string) =>
    `  ${a.padEnd(16)}${b.padStart(14)}    ${c.padEnd(16)}${d.padStart(14)}`;
  return [
    row('time', clock(second.seconds), 'writes/s', number(second.writesPerSecond)),
    row(
      'connected',
      `${number(second.connected)} of ${number(second.devices)}`,
      'acknowledged',
      number(second.acknowledged),
    ),
    row('provisioned', number(second.provisioned), 'in flight', number(second.inFlight)),
    row('reconnects', number(second.reconnects), 'p50', `${ms(second.p50)} ms`),
    row('values received', number(second.received), 'p99', `${ms(second.p99)} ms`),
    row('refused', number(second.refused), '', ''),
    ...refusals.slice(0, SHOWN).map(({ text, count }) => `    ${number(count)} × ${text}`),
    ...[lag(second)].filter((text) => text !== '').map((text) => `  ${text}`),
  ].join('\n');
}

function inWords(summary: Summary): string {
  const { sent, acknowledged, unanswered, missed, repeated, reconnects, received, devices, provisioned } = summary;
  const speed = `${number(summary.writesPerSecond)} a second; half within ${ms(summary.p50)} ms, 99 % within ${ms(summary.p99)} ms.`;
  const lines = [
    '',
    `${number(acknowledged)} of ${number(sent)} writes acknowledged in ${clock(summary.seconds)}${acknowledged === 0 ? '.' : `: ${speed}`}`,
    `${number(provisioned)} of ${number(devices)} devices provisioned. Reconnects: ${number(reconnects)}; writes sent again: ${number(repeated)}; values received: ${number(received)}.`,
  ];
  if (unanswered > 0) lines.push(`No answer came to ${number(unanswered)} writes.`);
  if (missed > 0) lines.push(`The server did not keep up: ${number(missed)} writes that were due have been left out.`);
  for (const { text, count, example, hint } of summary.refusals) {
    lines.push(`Refused ${number(count)} times: ${text}.`, `  last: ${example}`);
    if (hint !== null) lines.push(`  what helps: ${hint}.`);
  }
  for (const { text, count } of summary.failures) lines.push(`Tried again ${number(count)} times: ${text}.`);
  return lines.join('\n');
}
