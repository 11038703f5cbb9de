/** The rollout of a file: how far it is, how the devices fared, and what can be done with it. */
import { Alert, Button, Group, Progress, Stack, Text, Title } from '@mantine/core';
import { IconHandStop } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Failure } from '../parts/failure.tsx';
import { Ago } from '../parts/time.tsx';
import { actOnRollout, forgetFiles, type Info, type Rollout, stopRollout } from './queries.ts';
import { RolloutFormPanel } from './rollout-form.tsx';
import { describeFailures } from './words.ts';

interface Props {
  readonly connector: string;
  readonly info: Info;
  readonly mayChange: boolean;
}

export function RolloutPanel({ connector, info, mayChange }: Props) {
  const [planning, setPlanning] = useState(false);
  const { rollout } = info;
  if (rollout === null && !mayChange) return null;
  const under = rollout !== null && rollout.state !== 'done';
  return (
    <Stack gap="xs" component="section" aria-label="Rollout">
      <Title order={3} size="h5">
        Rollout
      </Title>
      {rollout !== null && <Standing info={info} rollout={rollout} />}
      {under && mayChange && <Actions connector={connector} id={info.id} rollout={rollout} />}
      {!under && mayChange && !planning && (
        <Group justify="space-between" gap="xs">
          <Text size="sm" c="dimmed">
            {rollout === null ? 'All of these devices may fetch it now.' : 'All of these devices may fetch it.'}
          </Text>
          <Button variant="default" onClick={() => setPlanning(true)}>
            Roll out step by step
          </Button>
        </Group>
      )}
      {!under && mayChange && planning && (
        <RolloutFormPanel connector={connector} id={info.id} onClose={() => setPlanning(false)} />
      )}
    </Stack>
  );
}

function Standing({ info, rollout }: { readonly info: Info; readonly rollout: Rollout }) {
  const { state, percent, steps, next, reason } = rollout;
  const { chosen, devices, taken, completed } = info.figures;
  const failures = describeFailures(info);
  const figure = (value: number) => value.toLocaleString('en');
  return (
    <>
      {state === 'held' && (
        <Alert
          color="red"
          variant="light"
          icon={<IconHandStop aria-hidden />}
          title="Held: offered to nobody"
          role="status"
        >
          {reason === 'by hand' ? 'Somebody held it.' : `${reason}.`}
        </Alert>
      )}
      {state !== 'held' && (
        <>
          <Progress.Root size="lg">
            <Progress.Section value={percent} color="indigo" aria-label="Share of the devices" />
          </Progress.Root>
          <Text size="sm">
            {state === 'done' ? 'Done: ' : ''}
            {percent} % of {figure(devices)} {devices === 1 ? 'device' : 'devices'}
            {percent < 100 && `, about ${figure(chosen)}`}. Steps: {steps.join(', ')} %
            {next !== null && (
              <>
                ; the next <Ago at={next} />
              </>
            )}
            .
          </Text>
        </>
      )}
      <Text size="sm">
        {figure(taken)} took it, {figure(completed)} have all of it{failures !== null && `; ${failures}`}.
      </Text>
    </>
  );
}

interface ActionsProps {
  readonly connector: string;
  readonly id: string;
  readonly rollout: Rollout;
}

function Actions({ connector, id, rollout: { state, steps, step } }: ActionsProps) {
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const act = useMutation({
    mutationFn: async (action: 'advance' | 'hold' | 'resume' | 'stop') =>
      void (await (action === 'stop' ? stopRollout(connector, id) : actOnRollout(connector, id, action, step))),
    onSettled: () => forgetFiles(client, connector),
  });
  const following = steps[step + 1];
  if (asking) {
    return (
      <Group justify="space-between" gap="xs">
        <Text size="sm">Stop it? The file is then offered to nobody.</Text>
        <Group gap="xs">
          <Button variant="default" onClick={() => setAsking(false)}>
            Go on
          </Button>
          <Button color="red" loading={act.isPending} onClick={() => act.mutate('stop')}>
            Stop the rollout
          </Button>
        </Group>
      </Group>
    );
  }
  return (
    <>
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={() => setAsking(true)}>
          Stop
        </Button>
        {state === 'held' ? (
          <Button loading={act.isPending} onClick={() => act.mutate('resume')}>
            Resume
          </Button>
        ) : (
          <>
            <Button variant="default" disabled={act.isPending} onClick={() => act.mutate('hold')}>
              Hold
            </Button>
            <Button loading={act.isPending} onClick={() => act.mutate('advance')}>
              {following === undefined ? 'Finish' : `Advance to ${following} %`}
            </Button>
          </>
        )}
      </Group>
      {act.error && <Failure error={act.error} />}
    </>
  );
}
