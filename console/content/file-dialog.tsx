/** One file: what it is, whom it is offered to, its rollout, and who fetched it. */
import { Button, Group, Modal, Skeleton, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconDownload } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { device2 } from '../api/client.ts';
import { formatBytes } from '../import/review.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Failure } from '../parts/failure.tsx';
import { Ago } from '../parts/time.tsx';
import { visible } from '../parts/visible.ts';
import classes from './content.module.css';
import { Fetches } from './fetches.tsx';
import { OfferFields } from './offer-fields.tsx';
import { changeOffer, forgetFiles, type Info, infoQuery } from './queries.ts';
import { RolloutPanel } from './rollout-panel.tsx';
import { describeOffer, offerFormOf, offerOf } from './words.ts';

interface Props {
  readonly connector: string;
  readonly id: string;
  readonly mayChange: boolean;
  readonly onDelete: () => void;
  readonly onClose: () => void;
}

export function FileDialog({ connector, id, mayChange, onDelete, onClose }: Props) {
  const { data, error, refetch } = useQuery(infoQuery(connector, id));
  return (
    <Modal opened onClose={onClose} title={<span className={classes.id}>{visible(id)}</span>} size="xl">
      {error && !data && <Failure error={error} onRetry={() => void refetch()} />}
      {!error && !data && <Skeleton height={200} aria-busy role="status" aria-label="Loading" />}
      {data !== undefined && (
        <Stack gap="lg">
          <Facts info={data} />
          <OfferPanel connector={connector} info={data} mayChange={mayChange} />
          {data.offer !== 'none' && <RolloutPanel connector={connector} info={data} mayChange={mayChange} />}
          <Fetches connector={connector} id={id} info={data} />
          <Group justify="space-between">
            <Button
              component="a"
              variant="default"
              leftSection={<IconDownload size={16} aria-hidden />}
              href={`${device2(connector)}/content/${encodeURIComponent(id)}`}
              download
            >
              Download
            </Button>
            {mayChange && (
              <Button color="red" variant="light" onClick={onDelete}>
                Delete
              </Button>
            )}
          </Group>
        </Stack>
      )}
    </Modal>
  );
}

function Facts({ info: { type, bytes, sha256, meta, updated, who, device } }: { readonly info: Info }) {
  return (
    <dl className={classes.facts}>
      <dt>SHA-256</dt>
      <dd>
        <Group gap={2} wrap="nowrap" align="flex-start">
          <span className={classes.digest}>{sha256}</span>
          <CopyButton value={sha256} label="SHA-256" />
        </Group>
      </dd>
      <dt>Size</dt>
      <dd>
        {formatBytes(bytes)} ({bytes.toLocaleString('en')} bytes)
      </dd>
      <dt>Type</dt>
      <dd>{type}</dd>
      {meta !== '' && (
        <>
          <dt>Meta</dt>
          <dd>{meta}</dd>
        </>
      )}
      <dt>Updated</dt>
      <dd>
        <Ago at={updated} /> by {device === null ? who : `the device ${visible(device)}`}
      </dd>
    </dl>
  );
}

interface PanelProps {
  readonly connector: string;
  readonly info: Info;
  readonly mayChange: boolean;
}

function OfferPanel({ connector, info, mayChange }: PanelProps) {
  const client = useQueryClient();
  const [form, setForm] = useState(() => offerFormOf(info.offer));
  const save = useMutation({
    mutationFn: (offer: string) => changeOffer(connector, info.id, offer),
    onSuccess: () => {
      notifications.show({ color: 'teal', title: 'Offer saved', message: info.id });
      return forgetFiles(client, connector);
    },
  });
  const fixed = info.rollout !== null && info.rollout.state !== 'done';
  const wanted = offerOf(form);
  const { devices } = info.figures;
  return (
    <Stack gap="xs" component="section" aria-label="Offer">
      {!mayChange || fixed ? (
        <Text size="sm">
          Offered to: <b>{describeOffer(info.offer)}</b>
        </Text>
      ) : (
        <OfferFields connector={connector} form={form} onChange={setForm} />
      )}
      <Group justify="space-between" gap="xs">
        <Text size="sm" c="dimmed">
          {info.offer === 'none'
            ? 'No device sees it.'
            : `${devices.toLocaleString('en')} ${devices === 1 ? 'device' : 'devices'}`}
        </Text>
        {mayChange && !fixed && (
          <Button
            disabled={wanted === null || wanted === info.offer}
            loading={save.isPending}
            onClick={() => wanted !== null && save.mutate(wanted)}
          >
            SAVE
          </Button>
        )}
      </Group>
      {fixed && (
        <Text size="xs" c="dimmed">
          While a rollout is under way, whom the file is for stays as it is.
        </Text>
      )}
      {save.error && <Failure error={save.error} />}
    </Stack>
  );
}
