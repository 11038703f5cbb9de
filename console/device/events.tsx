/** The last events of the device; each opens to its JSON, a refusal also to what it means. */
import { Badge, Group, Skeleton, Stack, Text, UnstyledButton } from '@mantine/core';
import { IconChevronDown, IconChevronRight, IconListDetails } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { LogEvent } from '../api/types.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Empty } from '../parts/empty.tsx';
import { Failure } from '../parts/failure.tsx';
import { TextLink } from '../parts/link.tsx';
import { Ago } from '../parts/time.tsx';
import { Refusal, type Refused } from '../refusals/refusal.tsx';
import { Card } from './card.tsx';
import { colourOf, summaryOf } from './event-looks.ts';
import classes from './events.module.css';
import { deviceEventsQuery } from './queries.ts';

const here = '/connectors/$connector/devices/$identity';

interface Props {
  readonly connector: string;
  readonly identity: string;
}

export function Events({ connector, identity }: Props) {
  const { data, error, refetch } = useQuery(deviceEventsQuery(connector, identity));
  const { event: open } = useSearch({ from: here });
  const navigate = useNavigate({ from: here });
  const link = (
    <TextLink to="/connectors/$connector/logs" params={{ connector }} search={{ identity } as never} size="sm">
      Open in Logs
    </TextLink>
  );
  const toggle = (seq: number) =>
    void navigate({ search: (search) => ({ ...search, event: open === seq ? undefined : seq }), replace: true });
  return (
    <Card title="Events" aside={link}>
      {error && !data && <Failure error={error} onRetry={() => void refetch()} />}
      {!error && !data && <Skeleton height={160} radius="sm" aria-label="Loading" />}
      {data?.events.length === 0 && (
        <Empty icon={<IconListDetails size={28} />} title="No events">
          What the device does shows here: provisioning, writing, being refused. Old events are removed after some time.
        </Empty>
      )}
      {data !== undefined && data.events.length > 0 && (
        // Scrolls by itself, so that it has to be reachable by keyboard.
        // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
        <section className={classes.scroll} tabIndex={0} aria-label="Last events">
          <ul className={classes.list}>
            {data.events.map((event) => (
              <Line
                key={event.seq}
                connector={connector}
                event={event as LogEvent}
                open={open === event.seq}
                onToggle={() => toggle(event.seq)}
              />
            ))}
          </ul>
        </section>
      )}
      {data?.mayLoadMore && (
        <Text size="xs" c="dimmed">
          The last {data.events.length}. Earlier ones are in the Logs.
        </Text>
      )}
    </Card>
  );
}

interface LineProps {
  readonly connector: string;
  readonly event: LogEvent;
  readonly open: boolean;
  readonly onToggle: () => void;
}

function Line({ connector, event, open, onToggle }: LineProps) {
  const json = JSON.stringify(event, null, 2);
  return (
    <li>
      <UnstyledButton className={classes.line} aria-expanded={open} onClick={onToggle}>
        {open ? <IconChevronDown size={16} aria-hidden /> : <IconChevronRight size={16} aria-hidden />}
        <Badge variant="light" color={colourOf(event.type)} size="lg" tt="none" className={classes.badge}>
          {event.type}
        </Badge>
        <Text size="sm" span className={classes.summary}>
          {summaryOf(event)}
        </Text>
        <Text size="sm" c="dimmed" span className={classes.time}>
          <Ago at={event.timestamp} />
        </Text>
      </UnstyledButton>
      {open && (
        <Stack gap="xs" pl={26} pb="xs">
          {event.type === 'refused' && (
            <Refusal connector={connector} identity={event.identity} refused={refusedOf(event)} />
          )}
          <div className={classes.json}>
            <Group justify="flex-end" className={classes.copy}>
              <CopyButton value={json} label="JSON" />
            </Group>
            {/* Scrolls by itself, so that it has to be reachable by keyboard. */}
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: see above */}
            <pre tabIndex={0}>{json}</pre>
          </div>
        </Stack>
      )}
    </li>
  );
}

function refusedOf({ payload }: LogEvent): Refused {
  const said = (payload ?? {}) as Record<string, unknown>;
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  return { rule: text(said.rule), seen: text(said.seen), wanted: text(said.wanted), message: text(said.message) };
}
