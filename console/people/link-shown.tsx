/** The one-time link of an account, whole, as it is sent to that person. */
import { ShownOnce } from '../parts/shown-once.tsx';

interface Props {
  readonly email: string;
  /** The path that the server gave. */
  readonly link: string;
  readonly onClose: () => void;
}

export function LinkShown({ email, link, onClose }: Props) {
  return (
    <ShownOnce
      title="Link to set a password"
      label="The link"
      secret={new URL(link, window.location.origin).href}
      onClose={onClose}
    >
      Send this to {email}. Whoever opens it within 72 hours sets the password of that account; it is good once.
    </ShownOnce>
  );
}
