/** For an address that leads nowhere. */
import { IconMapOff } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Empty } from './empty.tsx';
import { ButtonLink } from './link.tsx';

interface Props {
  readonly title?: string;
  readonly children?: ReactNode;
}

export function NotFound({ title = 'There is nothing at this address', children }: Props) {
  return (
    <Empty
      icon={<IconMapOff size={28} />}
      title={title}
      action={
        <ButtonLink to="/" variant="light" mt="xs">
          Go to the Solutions
        </ButtonLink>
      }
    >
      {children ?? 'The link may be old, or cut off.'}
    </Empty>
  );
}
