/** A credential that a device already has: set beforehand, it is provisioned without activating. */
import { PasswordInput, SegmentedControl, Stack, Text, Textarea } from '@mantine/core';
import type { AuthType } from '../../src/domain/connector.ts';
import type { AddForm } from './add-request.ts';

interface Props {
  readonly value: AddForm['credential'];
  readonly onChange: (value: AddForm['credential']) => void;
  readonly error: string | undefined;
}

const kinds = [
  { value: 'none', label: 'None' },
  { value: 'token', label: 'Token' },
  { value: 'password', label: 'Password' },
  { value: 'certificate', label: 'Certificate' },
] as const;

export function CredentialField({ value, onChange, error }: Props) {
  const choose = (kind: string) => onChange(kind === 'none' ? null : { type: kind as AuthType, key: '' });
  return (
    <Stack gap="xs">
      <Text size="sm" c="dimmed" id="credential-kind">
        Set a credential beforehand, for a device that already has one. It is then provisioned at once.
      </Text>
      <SegmentedControl
        fullWidth
        size="xs"
        aria-labelledby="credential-kind"
        data={kinds.map((kind) => ({ ...kind }))}
        value={value?.type ?? 'none'}
        onChange={choose}
      />
      {value !== null && <KeyField value={value} onChange={(key) => onChange({ ...value, key })} error={error} />}
    </Stack>
  );
}

interface KeyProps {
  readonly value: NonNullable<AddForm['credential']>;
  readonly onChange: (key: string) => void;
  readonly error: string | undefined;
}

function KeyField({ value: { type, key }, onChange, error }: KeyProps) {
  if (type === 'certificate') {
    return (
      <Textarea
        label="Certificate"
        description="PEM; its common name (CN) is the identity"
        placeholder="-----BEGIN CERTIFICATE-----"
        classNames={{ input: 'mono' }}
        rows={5}
        required
        spellCheck={false}
        error={error}
        value={key}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    );
  }
  const token = type === 'token';
  return (
    <PasswordInput
      label={token ? 'Token' : 'Password'}
      description={token ? '40 lower-case hex digits' : '20 to 512 bytes'}
      autoComplete="off"
      required
      error={error}
      visibilityToggleButtonProps={{ 'aria-label': token ? 'Show the token' : 'Show the password' }}
      value={key}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
