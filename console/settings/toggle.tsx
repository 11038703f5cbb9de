/** A setting that is on or off, with what it means. */
import { Checkbox } from '@mantine/core';
import { useField } from './editor.ts';

interface Props {
  readonly path:
    | 'provisioning.enabled'
    | 'provisioning.generate_identity'
    | 'provisioning.ip_whitelisting.enabled'
    | 'pki.enabled'
    | 'content.device_upload';
  readonly label: string;
  readonly about: string;
}

export function Toggle({ path, label, about }: Props) {
  const { id, value, set, error, disabled } = useField(path);
  return (
    <Checkbox
      id={id}
      checked={value}
      error={error}
      disabled={disabled}
      label={label}
      description={about}
      onChange={(event) => set(event.currentTarget.checked)}
    />
  );
}
