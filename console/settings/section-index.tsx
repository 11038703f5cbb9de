/** Links to the sections of the form, with a mark where something was changed or is wrong. */
import { Link } from '@tanstack/react-router';
import { headingId, jumpTo } from './jump.ts';
import { type SectionId, sectionIds, sectionTitles } from './sections.ts';
import classes from './settings.module.css';

interface Props {
  readonly connector: string;
  readonly current: SectionId | undefined;
  readonly changed: ReadonlySet<SectionId>;
  readonly faulty: ReadonlySet<SectionId>;
  /** Those that the role has no use for. */
  readonly hidden: readonly SectionId[];
}

export function SectionIndex({ connector, current, changed, faulty, hidden }: Props) {
  return (
    <nav aria-label="Sections" className={classes.index}>
      <ul>
        {sectionIds
          .filter((id) => !hidden.includes(id))
          .map((id) => (
            <li key={id}>
              <Link
                to="/connectors/$connector/settings"
                params={{ connector }}
                search={{ section: id }}
                replace
                resetScroll={false}
                className={classes.link}
                // The router's own idea of it leaves the search out.
                aria-current={current === id ? 'location' : undefined}
                // The address may say so already.
                onClick={() => jumpTo(headingId(id))}
              >
                {sectionTitles[id]}
                {(changed.has(id) || faulty.has(id)) && (
                  <span className={classes.mark} data-fault={faulty.has(id) || undefined}>
                    <span className="visually-hidden">{faulty.has(id) ? ', to be mended' : ', changed'}</span>
                  </span>
                )}
              </Link>
            </li>
          ))}
      </ul>
    </nav>
  );
}
