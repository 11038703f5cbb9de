/** For an address that leads nowhere. */
import { IconMapOff } from '@tabler/icons-react';
import { Empty } from './empty.tsx';
import { ButtonLink } from './link.tsx';

export function NotFound() {
  return (
    <Empty
      icon={<IconMapOff size={28} />}
      title="There is nothing at this address"
      action={
        <ButtonLink to="/" variant="light" mt="xs">
          Go to the Solutions
        </ButtonLink>
      }
    >
      The link may be old, or not whole.
    </Empty>
  );
}
