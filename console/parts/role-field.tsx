/** A role, with what it may do. */
import { Radio, Stack } from '@mantine/core';
import type { Role } from '../api/types.ts';

const roles: readonly { readonly value: Role; readonly label: string; readonly description: string }[] = [
  { value: 'viewer', label: 'Viewer', description: 'Reads everything that it sees' },
  { value: 'operator', label: 'Operator', description: 'Changes devices too: whitelists, locks, sets values' },
  {
    value: 'admin',
    label: 'Admin',
    description: 'Changes settings too; with all connectors also people, keys and the audit log',
  },
];

interface Props {
  readonly value: Role;
  readonly onChange: (role: Role) => void;
  readonly disabled?: boolean;
}

export function RoleField({ value, onChange, disabled }: Props) {
  return (
    <Radio.Group label="Role" value={value} onChange={(role) => onChange(role as Role)}>
      <Stack gap={6} mt={4}>
        {roles.map(({ value, label, description }) => (
          <Radio key={value} value={value} label={label} description={description} disabled={disabled} />
        ))}
      </Stack>
    </Radio.Group>
  );
}
