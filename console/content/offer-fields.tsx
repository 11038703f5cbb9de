/** Whom a file is for: everybody, a tag, a batch, or nobody. */
import { Select, Stack, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { TagFields } from '../devices/tag-fields.tsx';
import { batchesQuery } from '../import/queries.ts';
import { type OfferForm, type OfferTo, offerLabels } from './words.ts';

interface Props {
  readonly connector: string;
  readonly form: OfferForm;
  readonly disabled?: boolean;
  readonly onChange: (form: OfferForm) => void;
}

const choices = Object.entries(offerLabels).map(([value, label]) => ({ value, label }));

export function OfferFields({ connector, form, disabled = false, onChange }: Props) {
  return (
    <Stack gap="sm">
      <Select
        label="Offered to"
        data={choices}
        allowDeselect={false}
        disabled={disabled}
        value={form.to}
        onChange={(to) => onChange({ ...form, to: (to ?? 'none') as OfferTo })}
      />
      {form.to === 'tag' && !disabled && (
        <TagFields
          connector={connector}
          name={form.name}
          value={form.value}
          error={form.name.includes(':') ? 'A name with a colon cannot be offered to' : null}
          within
          onChange={(tag) => onChange({ ...form, ...tag })}
        />
      )}
      {form.to === 'batch' && !disabled && (
        <BatchField connector={connector} batch={form.batch} onChange={(batch) => onChange({ ...form, batch })} />
      )}
    </Stack>
  );
}

interface BatchProps {
  readonly connector: string;
  readonly batch: string;
  readonly onChange: (batch: string) => void;
}

function BatchField({ connector, batch, onChange }: BatchProps) {
  const { data: batches } = useQuery(batchesQuery(connector));
  if (batches === undefined || batches.length === 0) {
    return (
      <TextInput
        label="Batch"
        description="Its id"
        value={batch}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    );
  }
  return (
    <Select
      label="Batch"
      placeholder="Choose one"
      searchable
      data={batches.map(({ id, name, count }) => ({ value: id, label: `${name} (${count.toLocaleString('en')})` }))}
      value={batch === '' ? null : batch}
      onChange={(id) => onChange(id ?? '')}
    />
  );
}
