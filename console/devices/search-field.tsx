/** Looks for identities as one types. What is typed is never taken away by an answer that comes late. */
import { CloseButton, Kbd, TextInput } from '@mantine/core';
import { useDebouncedCallback, useHotkeys } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';

interface Props {
  /** As the address has it. */
  readonly value: string;
  readonly onChange: (text: string) => void;
}

/** ms without a key after which the server is asked. */
const PAUSE = 250;

export function SearchField({ value, onChange }: Props) {
  const [text, setText] = useState(value);
  const sent = useRef(value);
  const input = useRef<HTMLInputElement>(null);
  // The address changed by itself: a chip was removed, or one went back.
  useEffect(() => {
    if (value === sent.current) return;
    sent.current = value;
    setText(value);
  }, [value]);
  const send = (text: string) => {
    const trimmed = text.trim();
    if (trimmed === sent.current) return;
    sent.current = trimmed;
    onChange(trimmed);
  };
  const sendLater = useDebouncedCallback(send, PAUSE);
  const change = (text: string) => {
    setText(text);
    sendLater(text);
  };
  useHotkeys([['/', () => input.current?.focus()]]);
  return (
    <TextInput
      ref={input}
      aria-label="Search identities"
      placeholder="Find (* for anything)"
      w={{ base: '100%', sm: 260 }}
      maxLength={256}
      autoComplete="off"
      spellCheck={false}
      leftSection={<IconSearch size={16} aria-hidden />}
      rightSection={
        text === '' ? (
          <Kbd aria-hidden>/</Kbd>
        ) : (
          <CloseButton
            size="sm"
            aria-label="Clear the search"
            onClick={() => {
              change('');
              input.current?.focus();
            }}
          />
        )
      }
      value={text}
      onChange={(event) => change(event.currentTarget.value)}
      onKeyDown={(event) => event.key === 'Enter' && send(text)}
    />
  );
}
