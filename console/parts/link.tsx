/** Links to pages of the console: Mantine's looks, the router's typed addresses. */
import { Anchor, type AnchorProps, Button, type ButtonProps } from '@mantine/core';
import { createLink, type NavigateOptions, useRouter } from '@tanstack/react-router';
import type { ComponentPropsWithRef, MouseEvent } from 'react';
import classes from './link.module.css';

type AnchorParts = Omit<ComponentPropsWithRef<'a'>, keyof AnchorProps> & AnchorProps;
type ButtonParts = Omit<ComponentPropsWithRef<'a'>, keyof ButtonProps> & ButtonProps;

export const TextLink = createLink((props: AnchorParts) => <Anchor {...props} />);
export const ButtonLink = createLink((props: ButtonParts) => <Button component="a" {...props} />);

type PlainParts = Omit<ComponentPropsWithRef<'a'>, 'href' | 'onClick' | 'target'> & {
  readonly to: NavigateOptions;
};

/** The same without the state that the router keeps for each link and without a part of the library: for lists with hundreds. */
export function PlainLink({ to, className = '', ...rest }: PlainParts) {
  const router = useRouter();
  const follow = (event: MouseEvent) => {
    // As the browser would: into another tab or window, or a download.
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    void router.navigate(to);
  };
  return (
    <a {...rest} href={router.buildLocation(to).href} className={`${classes.link} ${className}`} onClick={follow} />
  );
}
