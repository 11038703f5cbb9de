/** The Webhooks page: where events are sent, how each target does, and what can be done about it. */
import { Button, Group, Paper, Skeleton, Stack, Text, Title } from '@mantine/core';
import { IconWebhook } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { Empty } from '../parts/empty.tsx';
import { Failure } from '../parts/failure.tsx';
import { NewWebhook } from './new-webhook.tsx';
import { webhooksQuery } from './queries.ts';
import { WebhookCard } from './webhook-card.tsx';

export function WebhooksPage() {
  const { connector } = useParams({ from: '/connectors/$connector/webhooks' });
  const { data: webhooks, error, refetch } = useQuery(webhooksQuery(connector));
  const [adding, setAdding] = useState(false);
  const add = <Button onClick={() => setAdding(true)}>+ NEW WEBHOOK</Button>;
  return (
    <Stack gap="sm">
      <Group justify="space-between" mih={36}>
        <Title order={2} size="h4">
          Webhooks
        </Title>
        {webhooks !== undefined && webhooks.length > 0 && add}
      </Group>
      <Text size="sm" c="dimmed">
        Events of this connector, sent to an address of yours as they happen: signed, in order, and again until they
        arrive.
      </Text>
      {error !== null && webhooks === undefined && <Failure error={error} onRetry={() => void refetch()} />}
      {webhooks === undefined && error === null && <Skeleton height={120} />}
      {webhooks?.length === 0 && (
        <Paper withBorder>
          <Empty icon={<IconWebhook />} title="No webhook yet" action={add}>
            Name an address that takes events, such as <code>https://example.com/slipway</code>.
          </Empty>
        </Paper>
      )}
      {webhooks?.map((hook) => (
        <WebhookCard key={hook.id} connector={connector} hook={hook} />
      ))}
      <NewWebhook connector={connector} opened={adding} onClose={() => setAdding(false)} />
    </Stack>
  );
}
