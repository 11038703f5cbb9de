/** The audit log: what people and keys have changed, newest first, searched, each entry with what was there before and after. */
import {
  Button,
  Code,
  Group,
  Paper,
  SimpleGrid,
  Skeleton,
  Stack,
  Text,
  TextInput,
  Title,
  UnstyledButton,
} from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconChevronDown, IconChevronRight, IconDownload, IconHistory, IconSearch } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useId, useState } from 'react';
import { auditQuery } from '../account/queries.ts';
import type { AuditEntry } from '../api/types.ts';
import { Empty } from '../parts/empty.tsx';
import { Failure } from '../parts/failure.tsx';
import { formatExact } from '../parts/format-time.ts';
import classes from './audit.module.css';
import { wordsOf } from './words.ts';

/** ms after the last key before the search begins. */
const PAUSE = 300;

export function AuditPage() {
  const { search = '' } = useSearch({ from: '/account/audit' });
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(auditQuery(search));
  const entries = data?.pages.flatMap((page) => page.entries) ?? [];
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={2} size="h3">
          Audit log
        </Title>
        <Button
          component="a"
          href="/api:1/audit/export"
          download="audit.ndjson"
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
        >
          Export
        </Button>
      </Group>
      <SearchField key={search === '' ? 'empty' : 'filled'} search={search} />
      {error && !data && <Failure error={error} onRetry={() => void refetch()} />}
      <Paper withBorder className="card">
        {!error && !data && <Skeleton height={160} />}
        {data && entries.length === 0 && !hasNextPage && (
          <Empty icon={<IconHistory size={28} />} title="Nothing found">
            No entry has “{search}” in it. Emails, identities, connectors and names of actions can be searched for.
          </Empty>
        )}
        <ul className={classes.list} aria-label="Entries">
          {entries.map((entry) => (
            <Entry key={entry.seq} entry={entry} />
          ))}
        </ul>
      </Paper>
      {hasNextPage && (
        <Group justify="center">
          <Button variant="default" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            Show older ones
          </Button>
        </Group>
      )}
    </Stack>
  );
}

function SearchField({ search }: { readonly search: string }) {
  const navigate = useNavigate({ from: '/account/audit' });
  const [text, setText] = useState(search);
  const look = useDebouncedCallback((wanted: string) => {
    void navigate({ search: wanted === '' ? {} : { search: wanted }, replace: true });
  }, PAUSE);
  return (
    <TextInput
      label="Search"
      placeholder="An email, an identity, an action …"
      type="search"
      maxLength={200}
      leftSection={<IconSearch size={16} aria-hidden />}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        look(event.currentTarget.value);
      }}
    />
  );
}

function Entry({ entry }: { readonly entry: AuditEntry }) {
  const [open, setOpen] = useState(false);
  const id = useId();
  const Icon = open ? IconChevronDown : IconChevronRight;
  return (
    <li className={classes.entry}>
      <UnstyledButton
        className={classes.head}
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        onClick={() => setOpen(!open)}
      >
        <Icon size={16} aria-hidden />
        <span className={classes.time}>{formatExact(entry.timestamp).slice(0, 19)}</span>
        <span className={classes.what}>
          <Text span inherit fw={600}>
            {wordsOf(entry.action)}
          </Text>{' '}
          {entry.target}
        </span>
        <span className={classes.who}>{entry.who}</span>
      </UnstyledButton>
      {open && <Details id={id} entry={entry} />}
    </li>
  );
}

function Details({ id, entry }: { readonly id: string; readonly entry: AuditEntry }) {
  return (
    <Stack id={id} gap="xs" className={classes.details}>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <Side name="Before" value={entry.before} />
        <Side name="After" value={entry.after} />
      </SimpleGrid>
      <Text size="xs" c="dimmed" className="mono">
        Entry {entry.seq}, from {entry.from ?? 'nowhere'}, digest {entry.digest}
      </Text>
    </Stack>
  );
}

function Side({ name, value }: { readonly name: string; readonly value: unknown }) {
  return (
    <div>
      <Text size="sm" fw={600}>
        {name}
      </Text>
      <Code block className={classes.json} aria-label={name}>
        {value === null ? 'nothing' : JSON.stringify(value, null, 2)}
      </Code>
    </div>
  );
}
