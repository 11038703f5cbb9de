/** Leads from a line of the log to its device. */
import { PlainLink } from '../parts/link.tsx';
import { visible } from '../parts/visible.ts';
import classes from './events.module.css';

export function DeviceLink({ connector, identity }: { readonly connector: string; readonly identity: string }) {
  return (
    <PlainLink
      to={{ to: '/connectors/$connector/devices/$identity', params: { connector, identity } }}
      className={`${classes.device} ${classes.clip}`}
      title={visible(identity)}
    >
      {visible(identity)}
    </PlainLink>
  );
}
