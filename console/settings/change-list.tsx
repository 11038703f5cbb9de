/** What was changed, old and new, and what that affects. */
import { Text } from '@mantine/core';
import { IconAlertTriangle, IconArrowRight, IconShieldCheck, IconTrash } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { Fragment, type ReactNode } from 'react';
import { type Change, listChange } from './draft.ts';
import type { Effect } from './effects.ts';
import { nameIn } from './queries.ts';
import classes from './settings.module.css';
import { fields, type Path } from './values.ts';
import { inWords } from './words.ts';

interface ChangesProps {
  readonly connector: string;
  readonly changes: readonly Change[];
}

export function Changes({ connector, changes }: ChangesProps) {
  return (
    <dl className={classes.changes}>
      {changes.map((change) => (
        <Fragment key={change.path}>
          <dt>{fields[change.path].label}</dt>
          <dd>
            <OldAndNew connector={connector} change={change} />
          </dd>
        </Fragment>
      ))}
    </dl>
  );
}

function OldAndNew({ connector, change }: { readonly connector: string; readonly change: Change }) {
  const client = useQueryClient();
  const { path, from, to } = change;
  if (!Array.isArray(from) || !Array.isArray(to)) {
    return (
      <>
        <Value path={path} value={from} className={classes.from} /> <span aria-hidden>→</span>
        <span className="visually-hidden"> becomes </span> <Value path={path} value={to} />
      </>
    );
  }
  const { removed, added } = listChange(from, to);
  const name = (entry: string) => (entry.startsWith('-----') ? nameIn(client, connector, entry) : undefined) ?? entry;
  return (
    <>
      {removed.length > 0 && <Line sign="−" told="removed" entries={removed.map(name)} />}
      {added.length > 0 && <Line sign="+" told="added" entries={added.map(name)} />}
    </>
  );
}

/** More entries than anyone reads are counted. */
const SHOWN = 5;

function Line({
  sign,
  told,
  entries,
}: {
  readonly sign: string;
  readonly told: string;
  readonly entries: readonly string[];
}) {
  const rest = entries.length - SHOWN;
  return (
    <div>
      <span aria-hidden>{sign} </span>
      <span className="visually-hidden">{told}: </span>
      {entries.slice(0, SHOWN).join(', ')}
      {rest > 0 && ` and ${rest} more`}
    </div>
  );
}

interface ValueProps {
  readonly path: Path;
  readonly value: Change['from'];
  readonly className?: string;
}

export function Value({ path, value, className }: ValueProps) {
  const text = inWords(path, value);
  return <span className={className}>{text.length > 120 ? `${text.slice(0, 120)}…` : text}</span>;
}

const looks: Readonly<Record<Effect['kind'], { readonly icon: ReactNode; readonly color?: string }>> = {
  loses: { icon: <IconTrash size={16} aria-hidden />, color: 'var(--mantine-color-error)' },
  warns: { icon: <IconAlertTriangle size={16} aria-hidden />, color: 'var(--mantine-color-orange-light-color)' },
  affects: { icon: <IconArrowRight size={16} aria-hidden /> },
  keeps: { icon: <IconShieldCheck size={16} aria-hidden />, color: 'var(--mantine-color-teal-light-color)' },
};

export function Effects({ effects }: { readonly effects: readonly Effect[] }) {
  return (
    <ul className={classes.effects}>
      {effects.map(({ kind, text }) => (
        <li key={text} style={{ color: looks[kind].color }}>
          {looks[kind].icon}
          <Text span size="sm">
            {text}
          </Text>
        </li>
      ))}
    </ul>
  );
}
