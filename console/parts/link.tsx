/** Links to pages of the console: Mantine's looks, the router's typed addresses. */
import { Anchor, type AnchorProps, Button, type ButtonProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { ComponentPropsWithRef } from 'react';

type AnchorParts = Omit<ComponentPropsWithRef<'a'>, keyof AnchorProps> & AnchorProps;
type ButtonParts = Omit<ComponentPropsWithRef<'a'>, keyof ButtonProps> & ButtonProps;

export const TextLink = createLink((props: AnchorParts) => <Anchor {...props} />);
export const ButtonLink = createLink((props: ButtonParts) => <Button component="a" {...props} />);
