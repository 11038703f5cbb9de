/** Who the device is, how it stands, when it was heard of, and what can be done to it. */
import { Badge, Group, Stack, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Identity } from '../api/types.ts';
import { batchesQuery } from '../import/queries.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { TextLink } from '../parts/link.tsx';
import { StatusIcon, statusLooks } from '../parts/status-icon.tsx';
import { Ago } from '../parts/time.tsx';
import { visible } from '../parts/visible.ts';
import { Actions } from './action-bar.tsx';
import classes from './page.module.css';

/** Longer identities are set smaller, so that one of 256 bytes does not fill the screen. */
const LONG = 40;

interface Props {
  readonly connector: string;
  readonly device: Identity;
}

export function Header({ connector, device }: Props) {
  const { identity, status, online, lastseen, lastip, created, provisioned_at, batch } = device;
  const { label } = statusLooks[status];
  return (
    <Stack gap="sm">
      <TextLink to="/connectors/$connector/devices" params={{ connector }} size="sm">
        All devices
      </TextLink>
      <Group justify="space-between" align="flex-start" gap="sm">
        <Group gap="xs" wrap="nowrap" align="flex-start" style={{ minWidth: 0, maxWidth: '100%' }}>
          <StatusIcon status={status} />
          <Title order={2} size={identity.length > LONG ? 'h5' : 'h3'} className={classes.identity}>
            {visible(identity)}
          </Title>
          <CopyButton value={identity} label="identity" />
        </Group>
        <Actions connector={connector} device={device} />
      </Group>
      <dl className={classes.facts}>
        <Fact name="Status">{label}</Fact>
        <Fact name="Online">
          <Badge variant="light" color={online ? 'harbour' : 'gray'} size="lg" tt="none">
            {online ? 'online' : 'offline'}
          </Badge>
        </Fact>
        <Fact name="Last seen">
          <Ago at={lastseen} />
        </Fact>
        <Fact name="Last IP">{lastip ?? 'none yet'}</Fact>
        <Fact name="Created">
          <Ago at={created} />
        </Fact>
        <Fact name="Provisioned">
          <Ago at={provisioned_at} never="not yet" />
        </Fact>
        <Fact name="Batch">{batch === null ? 'none' : <BatchLink connector={connector} batch={batch} />}</Fact>
      </dl>
    </Stack>
  );
}

/** By the name of the import, as in the list of devices; by its id as long as the name is not known. */
function BatchLink({ connector, batch }: { readonly connector: string; readonly batch: string }) {
  const { data: batches } = useQuery(batchesQuery(connector));
  return (
    <TextLink to="/connectors/$connector/devices" params={{ connector }} search={{ batch }} size="sm">
      {batches?.find(({ id }) => id === batch)?.name ?? batch}
    </TextLink>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
