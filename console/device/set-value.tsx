/** Sets one value: the control that fits the resource, and the server's own words where it refuses. */
import { Button, Group, Select, Switch, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { checkValue } from '../../src/domain/resources.ts';
import { api, unwrap } from '../api/client.ts';
import { ApiFailure } from '../api/failure.ts';
import { deviceQuery } from '../api/queries.ts';
import type { Identity, Resource } from '../api/types.ts';
import { Failure } from '../parts/failure.tsx';
import { booleanOf, controlOf } from './values.ts';

interface Props {
  readonly connector: string;
  readonly identity: string;
  readonly alias: string;
  readonly resource: Resource;
  readonly current: string | null;
  readonly onClose: () => void;
}

export function SetValue({ connector, identity, alias, resource, current, onClose }: Props) {
  const client = useQueryClient();
  const control = controlOf(resource);
  // What it was when the field was opened: later values do not take the place of what is typed.
  const [text, setText] = useState(current ?? (control.kind === 'switch' ? 'false' : ''));
  const set = useMutation({
    mutationFn: (value: string) =>
      unwrap(
        api.PATCH('/api:1/service/{connector}/device2/identity/{identity}/state', {
          params: { path: { connector, identity } },
          body: { [alias]: value },
        }),
      ),
    onSuccess: async (state) => {
      const { queryKey } = deviceQuery(connector, identity);
      client.setQueryData(queryKey, (device) => device && { ...device, state: state as Identity['state'] });
      notifications.show({
        color: 'teal',
        title: `${alias} is set`,
        message: 'The device gets it with its next read.',
      });
      onClose();
      await client.invalidateQueries({ queryKey: ['events', connector, identity] });
    },
  });
  const refusal = set.error instanceof ApiFailure && set.error.status < 500 ? set.error.message : null;
  const fault = text === '' && control.kind !== 'text' ? null : checkValue(resource, text);
  // The server's words until something else is typed; then what can be told here already.
  const error = refusal ?? (fault !== null && text !== current ? `Expected: ${fault.wanted}` : undefined);
  const change = (value: string) => {
    setText(value);
    set.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    set.mutate(text);
  };
  const label = `Value of ${alias}`;
  return (
    <form onSubmit={submit}>
      <Group gap="xs" align={control.kind === 'switch' ? 'center' : 'flex-end'}>
        {control.kind === 'switch' && (
          <Switch
            autoFocus
            label={text === '' ? label : `${label}: ${booleanOf(text) ? 'true' : 'false'}`}
            checked={booleanOf(text) ?? false}
            error={error}
            onChange={(event) => change(String(event.currentTarget.checked))}
          />
        )}
        {control.kind === 'select' && (
          <Select
            autoFocus
            label={label}
            data={[...control.options]}
            value={control.options.includes(text) ? text : null}
            placeholder="Choose one"
            searchable={control.options.length > 10}
            error={error}
            onChange={(value) => change(value ?? '')}
            flex={1}
          />
        )}
        {(control.kind === 'number' || control.kind === 'text') && (
          <TextInput
            autoFocus
            label={label}
            description={control.hint}
            inputMode={control.kind === 'number' ? 'decimal' : undefined}
            value={text}
            error={error}
            onChange={(event) => change(event.currentTarget.value)}
            flex={1}
            miw={180}
          />
        )}
        <Group gap="xs">
          <Button type="submit" size="sm" loading={set.isPending}>
            Set
          </Button>
          <Button size="sm" variant="default" onClick={onClose}>
            Cancel
          </Button>
        </Group>
      </Group>
      {refusal === null && set.error && <Failure error={set.error} />}
      {control.kind === 'switch' && (
        <Text size="xs" c="dimmed" mt={4}>
          Nothing is sent before you press Set.
        </Text>
      )}
    </form>
  );
}
