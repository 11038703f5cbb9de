/** What a new device gets to prove who it is. */
import { Anchor, Radio, Stack, Text } from '@mantine/core';
import { useEditor, useField } from './editor.ts';
import { headingId, jumpTo } from './jump.ts';
import { Section } from './section.tsx';
import type { Values } from './values.ts';
import { authTypes } from './words.ts';

type AuthType = Values['provisioning.auth_type'];

export function Authentication() {
  const { value, set, id, error, disabled } = useField('provisioning.auth_type');
  const pki = useEditor().values['pki.enabled'];
  return (
    <Section
      id="authentication"
      about="How devices that provision from now on prove who they are. Devices already provisioned keep their credential."
    >
      <Radio.Group
        aria-label="Authentication"
        id={id}
        value={value}
        error={error}
        onChange={(chosen) => set(chosen as AuthType)}
      >
        <Stack gap="sm">
          {(Object.keys(authTypes) as AuthType[]).map((type) => (
            <Radio
              key={type}
              value={type}
              disabled={disabled}
              label={authTypes[type].label}
              description={authTypes[type].about}
            />
          ))}
        </Stack>
      </Radio.Group>
      {value === 'certificate' && !pki && (
        <Text size="sm">
          PKI is off: certificates that devices signed themselves are taken as well. See{' '}
          <Anchor component="button" type="button" inherit underline="always" onClick={() => jumpTo(headingId('pki'))}>
            Public Key Infrastructure
          </Anchor>
          .
        </Text>
      )}
    </Section>
  );
}
