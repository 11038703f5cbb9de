/** The identity of a device as a link to its page. Lighter than the router's own link, of which a log would have a thousand. */
import { useNavigate } from '@tanstack/react-router';
import type { MouseEvent } from 'react';
import classes from './events.module.css';

interface Props {
  readonly connector: string;
  readonly identity: string;
}

export function DeviceLink({ connector, identity }: Props) {
  const navigate = useNavigate();
  const open = (event: MouseEvent) => {
    // Into another tab or window: that is for the browser.
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    void navigate({ to: '/connectors/$connector/devices/$identity', params: { connector, identity } });
  };
  return (
    <a
      className={`${classes.device} ${classes.clip}`}
      href={`/connectors/${encodeURIComponent(connector)}/devices/${encodeURIComponent(identity)}`}
      title={identity}
      onClick={open}
    >
      {identity}
    </a>
  );
}
