/** Plans a rollout: its steps, whether it goes by itself, and what holds it. */
import { Button, Checkbox, Group, Select, SimpleGrid, Stack, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { settingsQuery } from '../api/queries.ts';
import { Failure } from '../parts/failure.tsx';
import { forgetFiles, startRollout } from './queries.ts';
import { checkRollout, emptyRollout, type RolloutFaults, type RolloutForm, rolloutOf } from './words.ts';

interface Props {
  readonly connector: string;
  readonly id: string;
  readonly onClose: () => void;
}

export function RolloutFormPanel({ connector, id, onClose }: Props) {
  const client = useQueryClient();
  const [form, setForm] = useState(emptyRollout);
  const [tried, setTried] = useState(false);
  const start = useMutation({
    mutationFn: () => startRollout(connector, id, rolloutOf(form)),
    onSuccess: () => {
      onClose();
      return forgetFiles(client, connector);
    },
  });
  const faults = checkRollout(form);
  const change = (given: Partial<RolloutForm>) => setForm((now) => ({ ...now, ...given }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (Object.keys(faults).length === 0) start.mutate();
  };
  return (
    <form onSubmit={submit} noValidate aria-label="Plan a rollout">
      <Stack gap="sm">
        <TextInput
          label="Steps"
          description="Percent of the devices, the last 100. Those of one step are among those of the next."
          value={form.steps}
          error={tried ? faults.steps : undefined}
          onChange={(event) => change({ steps: event.currentTarget.value })}
        />
        <Checkbox
          label="Go to the next step by itself"
          checked={form.byItself}
          onChange={(event) => change({ byItself: event.currentTarget.checked })}
        />
        {form.byItself && (
          <TextInput
            label="Hours between two steps"
            inputMode="decimal"
            value={form.hours}
            error={tried ? faults.hours : undefined}
            onChange={(event) => change({ hours: event.currentTarget.value })}
          />
        )}
        <Checkbox
          label="Hold it when too many devices report failure"
          checked={form.watched}
          onChange={(event) => change({ watched: event.currentTarget.checked })}
        />
        {form.watched && (
          <WatchFields connector={connector} form={form} faults={tried ? faults : {}} onChange={change} />
        )}
        {start.error && <Failure error={start.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={start.isPending}>
            START
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface WatchProps {
  readonly connector: string;
  readonly form: RolloutForm;
  readonly faults: RolloutFaults;
  readonly onChange: (given: Partial<RolloutForm>) => void;
}

function WatchFields({ connector, form, faults, onChange }: WatchProps) {
  const { data } = useQuery(settingsQuery(connector));
  const aliases = Object.keys(data?.settings.resources ?? {}).sort();
  return (
    <Stack gap="sm">
      <Select
        label="Resource"
        description="That devices report on after they have taken the file"
        placeholder="Choose one"
        searchable
        nothingFoundMessage="No resource of this name is defined"
        data={aliases}
        value={form.resource === '' ? null : form.resource}
        error={faults.resource}
        onChange={(resource) => onChange({ resource: resource ?? '' })}
      />
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <Textarea
          label="Values that mean failure"
          description="One a line"
          autosize
          minRows={2}
          maxRows={6}
          value={form.failure}
          error={faults.failure}
          onChange={(event) => onChange({ failure: event.currentTarget.value })}
        />
        <Textarea
          label="Values that mean success"
          description="One a line; for the figures"
          autosize
          minRows={2}
          maxRows={6}
          value={form.success}
          error={faults.success}
          onChange={(event) => onChange({ success: event.currentTarget.value })}
        />
        <TextInput
          label="Percent that may fail"
          description="Of the devices that took it"
          inputMode="decimal"
          value={form.share}
          error={faults.share}
          onChange={(event) => onChange({ share: event.currentTarget.value })}
        />
        <TextInput
          label="Failures at the least"
          description="Fewer never hold it"
          inputMode="numeric"
          value={form.atLeast}
          error={faults.atLeast}
          onChange={(event) => onChange({ atLeast: event.currentTarget.value })}
        />
      </SimpleGrid>
    </Stack>
  );
}
