/** The last events of the device; each opens to its JSON, a refusal also to what it means. */
import { Box, Skeleton, Text, UnstyledButton } from '@mantine/core';
import { IconChevronDown, IconChevronRight, IconListDetails } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { LogEvent } from '../api/types.ts';
import { EventBadge } from '../events/badge.tsx';
import { EventDetail } from '../events/detail.tsx';
import { EventSummary } from '../events/line.tsx';
import { Empty } from '../parts/empty.tsx';
import { Failure } from '../parts/failure.tsx';
import { TextLink } from '../parts/link.tsx';
import { Ago } from '../parts/time.tsx';
import { Card } from './card.tsx';
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
    <TextLink to="/connectors/$connector/logs" params={{ connector }} search={{ identity }} size="sm">
      Open in Logs
    </TextLink>
  );
  const toggle = (seq: number) =>
    void navigate({ search: (search) => ({ ...search, event: open === seq ? undefined : seq }), replace: true });
  return (
    <Card title="Events" aside={link}>
      {error && !data && <Failure error={error} onRetry={() => void refetch()} />}
      {!error && !data && <Skeleton height={160} radius="sm" role="status" aria-label="Loading" />}
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
  return (
    <li>
      <UnstyledButton className={classes.line} aria-expanded={open} onClick={onToggle}>
        {open ? <IconChevronDown size={16} aria-hidden /> : <IconChevronRight size={16} aria-hidden />}
        <EventBadge type={event.type} />
        <EventSummary event={event} />
        <Text size="sm" c="dimmed" span className={classes.time}>
          <Ago at={event.timestamp} />
        </Text>
      </UnstyledButton>
      {open && (
        <Box pl={26} pb="xs">
          <EventDetail connector={connector} event={event} here />
        </Box>
      )}
    </li>
  );
}
