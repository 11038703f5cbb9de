/** A tab of the connector's page that is a link: it can be opened in another window, and the arrow keys go from one to the next. */
import { Tabs } from '@mantine/core';
import { createLink, type LinkProps } from '@tanstack/react-router';
import type { ComponentPropsWithRef, KeyboardEvent, ReactNode } from 'react';
import classes from './connector.module.css';

const Plain = createLink((props: ComponentPropsWithRef<'a'>) => <a {...props} />);

interface Props {
  readonly value: string;
  readonly to: LinkProps['to'];
  readonly connector: string;
  readonly children: ReactNode;
}

export function TabLink({ value, to, connector, children }: Props) {
  // The part is a button unless told otherwise, and its types know of nothing else.
  const root = {
    renderRoot: ({ type: _, ...props }: ComponentPropsWithRef<'a'>) => (
      <Plain to={to} params={{ connector } as never} {...props} />
    ),
  };
  return (
    <Tabs.Tab value={value} className={classes.tab} onKeyDown={pressBySpace} {...root}>
      {children}
    </Tabs.Tab>
  );
}

/** As on every tab; a link by itself knows Enter alone. */
function pressBySpace(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== ' ') return;
  event.preventDefault();
  event.currentTarget.click();
}
