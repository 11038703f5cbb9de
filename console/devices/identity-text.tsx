/** An identity on one line, however long: cut in its middle where there is no room. */
import { visible } from '../parts/visible.ts';
import classes from './devices.module.css';
import { splitMiddle } from './middle.ts';

export function IdentityText({ identity }: { readonly identity: string }) {
  const [start, end] = splitMiddle(visible(identity));
  return (
    <span className={classes.identity} title={end === '' ? undefined : identity}>
      <span className={classes.start}>{start}</span>
      {end !== '' && <span className={classes.end}>{end}</span>}
    </span>
  );
}
