/** One event as a line of a log, which opens to all that is known of it. */
import { IconChevronRight } from '@tabler/icons-react';
import { memo } from 'react';
import type { LogEvent } from '../api/types.ts';
import { formatClock, formatExact } from '../parts/format-time.ts';
import { EventBadge } from './badge.tsx';
import { EventDetail } from './detail.tsx';
import { DeviceLink } from './device-link.tsx';
import classes from './events.module.css';
import { eventLabels, protocolLabel } from './labels.ts';
import { isOfMany, summarize } from './summary.ts';

interface Props {
  readonly connector: string;
  readonly event: LogEvent;
  readonly open: boolean;
  /** A day that begins, towards the past, with this line. */
  readonly day?: string;
  /** With the number of the event; has to stay the same function, or every line is drawn anew. */
  readonly onToggle: (seq: number) => void;
  /** Leaves only the events of one device in the log. */
  readonly onOnly?: (identity: string) => void;
}

/** Belongs into an `<ol>`. */
export const EventLine = memo(function EventLine({ connector, event, open, day, onToggle, onOnly }: Props) {
  const { seq, type, identity, ip, protocol, timestamp } = event;
  const detail = `event-${seq}`;
  const clock = formatClock(timestamp);
  const names = [classes.line, open ? classes.open : '', type === 'refused' ? classes.refused : ''];
  return (
    <li className={names.join(' ')} data-seq={seq}>
      {day !== undefined && <div className={classes.day}>{day}</div>}
      <div className={classes.row}>
        <button
          type="button"
          className={classes.toggle}
          aria-expanded={open}
          aria-controls={open ? detail : undefined}
          aria-label={`${eventLabels[type].label} ${identity ?? ''} ${clock}`}
          onClick={() => onToggle(seq)}
        >
          <IconChevronRight size={14} aria-hidden className={classes.chevron} />
        </button>
        <time
          className={classes.time}
          dateTime={new Date(timestamp / 1000).toISOString()}
          title={formatExact(timestamp)}
        >
          {clock}
        </time>
        <EventBadge type={type} />
        {identity === null ? (
          <span className={classes.none}>{isOfMany(event) ? '' : 'no device'}</span>
        ) : (
          <DeviceLink connector={connector} identity={identity} />
        )}
        <span className={`${classes.from} ${classes.clip}`}>
          {[ip, protocolLabel(protocol)].filter((part) => part !== null && part !== '').join(' · ')}
        </span>
        <EventSummary event={event} />
      </div>
      {open && (
        <div id={detail} className={classes.detail}>
          <EventDetail connector={connector} event={event} onOnly={onOnly} />
        </div>
      )}
    </li>
  );
});

/** What an event says, in one line. */
export function EventSummary({ event }: { readonly event: LogEvent }) {
  const { text, values, more } = summarize(event);
  return (
    <span className={`${classes.summary} ${classes.clip}`}>
      {text !== '' && <span className={values.length > 0 ? classes.value : undefined}>{text}</span>}
      {values.map(({ alias, value, defined }, index) => (
        // An alias may stand there more than once, for several points in time.
        <span key={index} className={classes.value}>
          {alias}={value}
          {!defined && (
            <span className={classes.undefined} title="Logged, but not stored: no resource has this alias">
              not defined
            </span>
          )}
        </span>
      ))}
      {more > 0 && `and ${more.toLocaleString('en')} more`}
    </span>
  );
}
