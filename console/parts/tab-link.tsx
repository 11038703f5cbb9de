/** A tab that is a link: it can be opened in another window, and the arrow keys go from one to the next. */
import { Tabs } from '@mantine/core';
import { createLink, type LinkProps } from '@tanstack/react-router';
import type { ComponentPropsWithRef, KeyboardEvent, ReactNode } from 'react';
import classes from './tabs.module.css';

const Plain = createLink((props: ComponentPropsWithRef<'a'>) => <a {...props} />);

interface Props {
  readonly value: string;
  readonly to: LinkProps['to'];
  /** Of the address. */
  readonly params?: object;
  readonly children: ReactNode;
}

export function TabLink({ value, to, params = {}, children }: Props) {
  // The part is a button unless told otherwise, and its types know of nothing else.
  const root = {
    renderRoot: ({ type: _, ...props }: ComponentPropsWithRef<'a'>) => (
      <Plain to={to} params={params as never} {...props} />
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
