/** Who may provision, and as whom. */
import { Checkbox, Divider, Stack, Text } from '@mantine/core';
import { Addresses } from './addresses.tsx';
import { useEditor, useField } from './editor.ts';
import { IdentityFormatFields } from './identity-format.tsx';
import { NumberField } from './number-field.tsx';
import { Section } from './section.tsx';
import { Toggle } from './toggle.tsx';

export function Provisioning() {
  return (
    <Section
      id="provisioning"
      about="A device provisions once: its identity is bound to a credential, with which it proves who it is from then on."
    >
      <Toggle
        path="provisioning.enabled"
        label="Enable provisioning"
        about="Switched off, no device can provision. Devices already provisioned go on."
      />
      <Divider />
      <IdentityFormatFields />
      <Divider />
      <Stack gap="sm">
        <OwnIdentity />
        <Toggle
          path="provisioning.generate_identity"
          label="Let the server make identities"
          about="Operators and scripts may ask for a new identity that fits the format."
        />
      </Stack>
      <Divider />
      <Addresses />
      <Divider />
      <ActivationWindow />
    </Section>
  );
}

function OwnIdentity() {
  const { values } = useEditor();
  const trusted = values['pki.enabled'] && values['provisioning.auth_type'] === 'certificate';
  const { id, value, set, error, disabled } = useField('provisioning.presenter_identity');
  return (
    <Checkbox
      id={id}
      checked={value}
      error={error}
      disabled={disabled}
      label="Allow devices to register their own identity"
      description={
        value
          ? `A device that nobody whitelisted is let in under the identity that it names${
              trusted
                ? ', if its certificate leads to one of the CAs'
                : ': anyone who reaches this connector can do that'
            }.`
          : 'Unchecked: only identities that were whitelisted before can provision.'
      }
      onChange={(event) => set(event.currentTarget.checked)}
    />
  );
}

function ActivationWindow() {
  const { set, ...field } = useField('provisioning.expire_hours');
  return (
    <NumberField
      {...field}
      label="Activation window"
      description={
        <Text span inherit>
          How long an identity may provision after it was whitelisted, where its entry names no other time.
        </Text>
      }
      unit="hours"
      maw={480}
      onChange={set}
    />
  );
}
