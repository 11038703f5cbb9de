/** The identity format, with what it means in words, an identity that fits, and a field to try one. */
import { Alert, Button, Group, NativeSelect, SimpleGrid, Stack, Text, TextInput, Title } from '@mantine/core';
import { IconCheck, IconRefresh, IconX } from '@tabler/icons-react';
import { useRef, useState } from 'react';
import type { Casing, IdentityFormat, IdentityType } from '../../src/domain/connector.ts';
import {
  checkIdentity,
  describeFormat,
  type IdentityFault,
  leastLength,
  SAMPLE_BYTES,
  sampleIdentity,
} from '../../src/domain/identity.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { useEditor, useField } from './editor.ts';
import { NumberField } from './number-field.tsx';
import classes from './settings.module.css';
import { settingsOf } from './values.ts';
import { casings, identityTypes } from './words.ts';

/** The length of all others is fixed by the type. */
const freeLength: readonly IdentityType[] = ['opaque', 'base10', 'base16'];
const withoutLetters: readonly IdentityType[] = ['opaque', 'base10'];

export function IdentityFormatFields() {
  const { values, faults } = useEditor();
  const format = settingsOf(values).identity_format;
  const good = [...faults.keys()].every((path) => !path.startsWith('identity_format'));
  // While a field holds what is no format, the preview stays with the last that was one: the page must not jump.
  const last = useRef<IdentityFormat | null>(null);
  if (good) last.current = format;
  return (
    <Stack gap="sm">
      <div>
        <Title order={3} size="h5">
          Identity format
        </Title>
        <Text size="sm" c="dimmed">
          What the identity of a device looks like: its serial number, or a MAC address.
        </Text>
      </div>
      <SimpleGrid cols={{ base: 1, sm: 2, lg: withoutLetters.includes(format.type) ? 3 : 4 }}>
        <Prefix />
        <Type />
        <Length format={format} />
        {!withoutLetters.includes(format.type) && <LetterCase />}
      </SimpleGrid>
      {last.current && <Preview format={last.current} stale={!good} />}
    </Stack>
  );
}

function Prefix() {
  const { set, ...field } = useField('identity_format.prefix');
  return (
    <TextInput
      {...field}
      label="Prefix"
      description="What every identity begins with"
      autoComplete="off"
      spellCheck={false}
      onChange={(event) => set(event.currentTarget.value)}
    />
  );
}

function Type() {
  const { set, ...field } = useField('identity_format.type');
  return (
    <NativeSelect
      {...field}
      label="Type"
      description="What follows the prefix"
      data={Object.entries(identityTypes).map(([value, label]) => ({ value, label }))}
      onChange={(event) => set(event.currentTarget.value as IdentityType)}
    />
  );
}

function Length({ format }: { readonly format: IdentityFormat }) {
  const { set, ...field } = useField('identity_format.options.length');
  if (!freeLength.includes(format.type)) {
    return (
      <TextInput
        label="Length"
        description="Given by this type"
        value={String(leastLength(format))}
        disabled
        readOnly
      />
    );
  }
  return (
    <NumberField {...field} label="Length" description="Without the prefix; blank for any" blank={0} onChange={set} />
  );
}

function LetterCase() {
  const { set, ...field } = useField('identity_format.options.casing');
  return (
    <NativeSelect
      {...field}
      label="Casing"
      description="Of the letters a to f"
      data={Object.entries(casings).map(([value, label]) => ({ value, label }))}
      onChange={(event) => set(event.currentTarget.value as Casing)}
    />
  );
}

const draw = () => crypto.getRandomValues(new Uint8Array(SAMPLE_BYTES));

function Preview({ format, stale }: { readonly format: IdentityFormat; readonly stale: boolean }) {
  const [bytes, setBytes] = useState(draw);
  const sample = sampleIdentity(format, bytes);
  return (
    <div className={classes.sample}>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <div>
          <Text size="sm" fw={600}>
            In words{stale && ', before the mistake above'}
          </Text>
          <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
            {describeFormat(format)}
          </Text>
          <Text size="sm" fw={600} mt="xs">
            For example
          </Text>
          <Group gap="xs" wrap="nowrap" justify="space-between">
            <Text size="sm" className="mono" role="status" aria-label="Sample identity">
              {sample}
            </Text>
            <CopyButton value={sample} label="the sample identity" />
          </Group>
          <Button
            variant="subtle"
            size="compact-sm"
            leftSection={<IconRefresh size={14} aria-hidden />}
            onClick={() => setBytes(draw())}
          >
            Another sample
          </Button>
        </div>
        <TryIdentity format={format} />
      </SimpleGrid>
    </div>
  );
}

function TryIdentity({ format }: { readonly format: IdentityFormat }) {
  const [identity, setIdentity] = useState('');
  const fault = identity === '' ? null : checkIdentity(format, identity);
  return (
    <Stack gap="xs">
      <TextInput
        label="Try an identity"
        description="It is not saved"
        autoComplete="off"
        spellCheck={false}
        value={identity}
        aria-describedby="try-answer"
        onChange={(event) => setIdentity(event.currentTarget.value)}
      />
      <div id="try-answer" role="status">
        {identity !== '' && <Answer fault={fault} />}
      </div>
    </Stack>
  );
}

const ruleNames: Readonly<Record<IdentityFault['rule'], string>> = {
  identity: 'the rules for every identity',
  'identity_format.prefix': 'Prefix',
  'identity_format.type': 'Type',
  'identity_format.options.length': 'Length',
  'identity_format.options.casing': 'Casing',
};

function Answer({ fault }: { readonly fault: IdentityFault | null }) {
  if (fault === null) {
    return (
      <Alert variant="light" color="teal" p="xs" icon={<IconCheck aria-hidden />}>
        It fits.
      </Alert>
    );
  }
  return (
    <Alert variant="light" color="red" p="xs" icon={<IconX aria-hidden />}>
      Refused by {ruleNames[fault.rule]}: expected {fault.wanted}.
    </Alert>
  );
}
