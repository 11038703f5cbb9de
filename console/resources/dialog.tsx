/** Adds a resource, or edits one. What is typed stays until it is saved or thrown away. */
import { Button, Checkbox, Group, Modal, Select, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type FormEvent, useState } from 'react';
import type { Resource } from '../../src/domain/connector.ts';
import { fieldFaults } from '../api/failure.ts';
import { Failure } from '../parts/failure.tsx';
import { type Resources, resourceOf } from './change.ts';
import { ClashAlert } from './clash.tsx';
import {
  checkForm,
  emptyForm,
  type FormFaults,
  faultsByField,
  formOf,
  type ResourceForm,
  resourceOfForm,
} from './form.ts';
import { Clash, useSaveResources } from './save.ts';

interface Props {
  readonly connector: string;
  readonly resources: Resources;
  /** What is edited; undefined to add one. */
  readonly alias: string | undefined;
  readonly onClose: () => void;
}

const formats = [
  { value: 'string', label: 'Text (string)' },
  { value: 'number', label: 'Number' },
  { value: 'boolean', label: 'True or false (boolean)' },
];

const examples: Readonly<Record<Resource['format'], string>> = {
  string: 'One value per line. Leave empty to allow any text.',
  number: 'One value or range per line, such as 5, 9-11 or -40..125. Leave empty to allow any number.',
  boolean: 'One value per line: true, false. Leave empty to allow both.',
};

export function ResourceDialog({ connector, resources, alias, onClose }: Props) {
  // What the reader began with: whatever somebody else makes of it meanwhile is a clash.
  const [base, setBase] = useState(() => (alias === undefined ? null : resourceOf(resources, alias)));
  const [form, setForm] = useState(() =>
    base === null ? { ...emptyForm, alias: alias ?? '' } : formOf(alias ?? '', base),
  );
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const save = useSaveResources(connector);

  const taken = (name: string) => alias === undefined && resourceOf(resources, name) !== null;
  const faults = checkForm(form, taken);
  const ofServer = faultsByField(
    fieldFaults(save.error).map(({ expected, ...fault }) => ({ ...fault, wanted: expected })),
    form,
  );
  const faultOf = (field: keyof ResourceForm) => (touched.has(field) ? faults[field] : undefined) ?? ofServer[field];
  const change = (given: Partial<ResourceForm>) => {
    setForm((now) => ({ ...now, ...given }));
    // The refusal was about what stood there before.
    if (save.isError) save.reset();
  };
  const touch = (...fields: string[]) => setTouched((now) => new Set([...now, ...fields]));

  const send = (from: Resource | null) => {
    const name = form.alias;
    save.mutate([{ alias: name, from, to: resourceOfForm(form) }], {
      onSuccess: () => {
        notifications.show({
          color: 'teal',
          title: alias === undefined ? 'Resource added' : 'Resource saved',
          message: name,
        });
        onClose();
      },
    });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    touch(...Object.keys(emptyForm));
    if (Object.keys(faults).length === 0) send(base);
  };
  const clash = save.error instanceof Clash ? save.error.changes[0] : undefined;
  const takeTheirs = () => {
    if (clash === undefined || clash.from === null || alias === undefined) return onClose();
    setBase(clash.from);
    setForm(formOf(clash.alias, clash.from));
    save.reset();
  };
  const takeMine = () => {
    if (clash === undefined) return;
    setBase(clash.from);
    send(clash.from);
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title={alias === undefined ? 'Add a resource' : 'Edit the resource'}
      size="lg"
      closeOnClickOutside={false}
    >
      <form onSubmit={submit} noValidate>
        <Stack gap="sm">
          <Fields form={form} editing={alias !== undefined} faultOf={faultOf} onChange={change} onLeave={touch} />
          {clash !== undefined && <ClashAlert change={clash} onTheirs={takeTheirs} onMine={takeMine} />}
          {save.error && clash === undefined && <Failure error={save.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={save.isPending} disabled={clash !== undefined}>
              {alias === undefined ? 'ADD' : 'SAVE'}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

interface FieldsProps {
  readonly form: ResourceForm;
  readonly editing: boolean;
  readonly faultOf: (field: keyof FormFaults) => string | undefined;
  readonly onChange: (given: Partial<ResourceForm>) => void;
  readonly onLeave: (field: keyof ResourceForm) => void;
}

function Fields({ form, editing, faultOf, onChange, onLeave }: FieldsProps) {
  return (
    <>
      <TextInput
        label="Alias"
        description={
          editing
            ? 'What devices call it. To rename it, add another and remove this one: the history stays with the alias.'
            : 'What devices call it, as in myalias=50. Without . $ & = / + #'
        }
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
        readOnly={editing}
        data-autofocus={!editing || undefined}
        maxLength={128}
        value={form.alias}
        error={faultOf('alias')}
        onBlur={() => form.alias !== '' && onLeave('alias')}
        onChange={(event) => onChange({ alias: event.currentTarget.value })}
      />
      <Group grow align="flex-start" preventGrowOverflow={false}>
        <Select
          label="Format"
          data={formats}
          allowDeselect={false}
          miw={180}
          data-autofocus={editing || undefined}
          value={form.format}
          error={faultOf('format')}
          onChange={(format) => onChange({ format: (format ?? 'string') as Resource['format'] })}
        />
        <TextInput
          label="Unit"
          placeholder="°C, kPa, …"
          miw={140}
          value={form.unit}
          error={faultOf('unit')}
          onBlur={() => onLeave('unit')}
          onChange={(event) => onChange({ unit: event.currentTarget.value })}
        />
      </Group>
      <Textarea
        label="Allowed values"
        description={examples[form.format]}
        autosize
        minRows={2}
        maxRows={8}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
        value={form.allowed}
        error={faultOf('allowed')}
        onBlur={() => onLeave('allowed')}
        onChange={(event) => onChange({ allowed: event.currentTarget.value })}
      />
      <Checkbox
        label="Settable"
        description="People and programs may set it for a device; devices may always write it"
        checked={form.settable}
        // Sent to the device unless wanted otherwise: that is what setting is for (management-api.md, Resource).
        onChange={(event) => onChange({ settable: event.currentTarget.checked, sync: event.currentTarget.checked })}
      />
      <Checkbox
        label="Sync"
        description="Set values are sent to the device over MQTT"
        checked={form.sync}
        onChange={(event) => onChange({ sync: event.currentTarget.checked })}
      />
      <TextInput
        label="Initial"
        description={
          form.settable ? 'What it is until somebody sets it. Leave empty for none.' : 'Only what is settable has one.'
        }
        disabled={!form.settable}
        value={form.settable ? form.initial : ''}
        error={form.settable ? faultOf('initial') : undefined}
        onBlur={() => onLeave('initial')}
        onChange={(event) => onChange({ initial: event.currentTarget.value })}
      />
      <Text size="xs" c="dimmed">
        A value that does not fit is refused when it is written, and the log says so.
      </Text>
    </>
  );
}
