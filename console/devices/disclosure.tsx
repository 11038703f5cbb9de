/** A heading that shows and hides what is below it. */
import { Box, Collapse, Title, UnstyledButton } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import { type ReactNode, useId } from 'react';
import classes from './disclosure.module.css';

interface Props {
  readonly label: string;
  /** Level of the heading. */
  readonly order: 2 | 3;
  readonly opened: boolean;
  readonly onToggle: (opened: boolean) => void;
  readonly children: ReactNode;
}

export function Disclosure({ label, order, opened, onToggle, children }: Props) {
  const id = useId();
  return (
    <Box>
      <Title order={order} size="sm">
        <UnstyledButton
          className={classes.control}
          aria-expanded={opened}
          aria-controls={id}
          onClick={() => onToggle(!opened)}
        >
          <IconChevronRight size={16} aria-hidden className={classes.chevron} data-opened={opened || undefined} />
          {label}
        </UnstyledButton>
      </Title>
      <Collapse expanded={opened} keepMounted={false} id={id}>
        {children}
      </Collapse>
    </Box>
  );
}
