/** Which connectors an account or a key sees: all, or those that are ticked. */
import { Checkbox, Radio, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { connectorsQuery } from '../api/queries.ts';

interface Props {
  /** Ids; null: all. */
  readonly value: readonly string[] | null;
  readonly onChange: (value: readonly string[] | null) => void;
  /** One at the most. */
  readonly single?: boolean;
}

export function ConnectorsField({ value, onChange, single = false }: Props) {
  const { data } = useQuery(connectorsQuery);
  return (
    <Stack gap="xs">
      <Radio.Group
        label="Connectors"
        value={value === null ? 'all' : 'some'}
        onChange={(chosen) => onChange(chosen === 'all' ? null : [])}
      >
        <Stack gap={4} mt={4}>
          <Radio value="all" label="All connectors, also those to come" />
          <Radio value="some" label={single ? 'Only one of them' : 'Only some of them'} />
        </Stack>
      </Radio.Group>
      {value !== null && single && (
        <Radio.Group aria-label="The connector" value={value[0] ?? null} onChange={(id) => onChange([id])}>
          <Stack gap={4} pl="lg">
            {data?.map(({ id, name }) => (
              <Radio key={id} value={id} label={name} />
            ))}
          </Stack>
        </Radio.Group>
      )}
      {value !== null && !single && (
        <Checkbox.Group aria-label="The connectors" value={[...value]} onChange={onChange}>
          <Stack gap={4} pl="lg">
            {data?.map(({ id, name }) => (
              <Checkbox key={id} value={id} label={name} />
            ))}
          </Stack>
        </Checkbox.Group>
      )}
      {data?.length === 0 && <Text size="sm">There is no connector yet.</Text>}
    </Stack>
  );
}
