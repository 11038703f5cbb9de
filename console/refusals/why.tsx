/** "Why was it refused?": the last refused attempts of an identity, each with what it means and what mends it. */
import { Accordion, Badge, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { countOf } from '../parts/count.ts';
import { Failure } from '../parts/failure.tsx';
import { Ago } from '../parts/time.tsx';
import { explainQuery } from './queries.ts';
import { Refusal } from './refusal.tsx';
import { type AttemptGroup, groupAttempts, ruleOf } from './rules.ts';

interface Props {
  readonly connector: string;
  readonly identity: string;
  /** Opens the newest at once. */
  readonly open?: boolean;
}

/** Nothing where nothing was refused. */
export function WhyRefused({ connector, identity, open = false }: Props) {
  const { data, error, refetch } = useQuery(explainQuery(connector, identity));
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data || data.attempts.length === 0) return null;
  return (
    <Paper withBorder p="md" className="card" component="section" aria-label="Why was it refused?">
      <Stack gap="xs">
        <Group justify="space-between" gap="xs">
          <Title order={3} size="h4">
            Why was it refused?
          </Title>
          <Text size="sm" c="dimmed">
            {data.attempts.length === 20 ? 'the last 20 refusals' : countOf(data.attempts.length, 'refusal')}
          </Text>
        </Group>
        <Attempts connector={connector} identity={identity} groups={groupAttempts(data.attempts)} open={open} />
      </Stack>
    </Paper>
  );
}

interface AttemptsProps extends Required<Props> {
  readonly groups: readonly AttemptGroup[];
}

function Attempts({ connector, identity, groups, open }: AttemptsProps) {
  // Null until somebody opens or closes one.
  const [chosen, setChosen] = useState<string | null>(null);
  // Stays open when something else has happened: what mends a refusal is an event, too.
  const [opened, setOpened] = useState('');
  const newest = open && groups[0] !== undefined ? keyOf(groups[0]) : opened;
  useEffect(() => setOpened(newest), [newest]);
  return (
    <Accordion
      order={4}
      variant="separated"
      radius="md"
      chevronPosition="left"
      // What opens by itself is open at once: buttons that move are missed.
      transitionDuration={chosen === null ? 0 : undefined}
      value={chosen ?? newest}
      onChange={(value) => setChosen(value ?? '')}
    >
      {groups.map((group) => (
        <Accordion.Item key={keyOf(group)} value={keyOf(group)}>
          <Accordion.Control>
            <Group justify="space-between" gap="xs">
              <Group gap="xs">
                <Text fw={600} size="sm">
                  {ruleOf(group.last).title}
                </Text>
                {group.count > 1 && (
                  <Badge variant="light" color="gray" size="lg" tt="none">
                    {group.count.toLocaleString('en-US')} times
                  </Badge>
                )}
              </Group>
              <Text size="sm" c="dimmed" component="div">
                <Ago at={group.last.timestamp} />
                {group.last.ip !== null && <> from {group.last.ip}</>}
              </Text>
            </Group>
          </Accordion.Control>
          <Accordion.Panel>
            <Refusal connector={connector} identity={identity} refused={group.last} untitled />
          </Accordion.Panel>
        </Accordion.Item>
      ))}
    </Accordion>
  );
}

/** The oldest of a group stays the same while new ones join it. */
const keyOf = ({ first, last }: AttemptGroup) => `${first}-${last.rule}`;
