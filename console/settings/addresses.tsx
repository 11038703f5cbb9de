/** From where devices may provision. */
import { ActionIcon, Alert, Button, Group, Stack, Text, TextInput, Tooltip } from '@mantine/core';
import { IconAlertTriangle, IconPlus, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { readAddresses } from './address-list.ts';
import { fieldId, useEditor, useField } from './editor.ts';
import classes from './settings.module.css';
import { Toggle } from './toggle.tsx';
import { listed } from './words.ts';

export function Addresses() {
  const { values, readOnly } = useEditor();
  const restricted = values['provisioning.ip_whitelisting.enabled'];
  const { value: allowed, id, error } = useField('provisioning.ip_whitelisting.allowed');
  return (
    <Stack gap="sm">
      <Toggle
        path="provisioning.ip_whitelisting.enabled"
        label="Restrict IP addresses"
        about="Devices can provision only from these addresses, of a factory for example. Data of provisioned devices is taken from anywhere."
      />
      {(restricted || allowed.length > 0) && (
        <Stack gap="xs" id={id} tabIndex={-1} role="group" aria-label="Allowed addresses">
          {restricted && allowed.length === 0 && (
            <Alert variant="light" color="orange" p="xs" icon={<IconAlertTriangle aria-hidden />}>
              The list is empty: no device can provision.
            </Alert>
          )}
          {!restricted && (
            <Text size="sm" c="dimmed">
              The list is kept, and applies once addresses are restricted.
            </Text>
          )}
          {error && (
            <Text size="sm" c="var(--mantine-color-error)">
              {error}
            </Text>
          )}
          {allowed.length > 0 && <List />}
          {!readOnly && <Add />}
        </Stack>
      )}
    </Stack>
  );
}

function List() {
  const { faults, readOnly } = useEditor();
  const { value: allowed, set } = useField('provisioning.ip_whitelisting.allowed');
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls by itself
    <ul className={classes.entries} tabIndex={0} aria-label="Addresses and ranges">
      {allowed.map((range, i) => {
        const path = `provisioning.ip_whitelisting.allowed[${i}]`;
        return (
          <li key={range} id={fieldId(path)} tabIndex={-1}>
            <Group justify="space-between" wrap="nowrap">
              <div>
                <Text size="sm" className="mono">
                  {range}
                </Text>
                {faults.has(path) && (
                  <Text size="xs" c="var(--mantine-color-error)">
                    {faults.get(path)}
                  </Text>
                )}
              </div>
              {!readOnly && (
                <Tooltip label={`Remove ${range}`}>
                  <ActionIcon
                    variant="subtle"
                    color="gray"
                    aria-label={`Remove ${range}`}
                    onClick={() => set(allowed.filter((other) => other !== range))}
                  >
                    <IconTrash size={16} aria-hidden />
                  </ActionIcon>
                </Tooltip>
              )}
            </Group>
          </li>
        );
      })}
    </ul>
  );
}

/** Also takes a whole list that is pasted. What is no address stays in the field. */
function Add() {
  const { value: allowed, set } = useField('provisioning.ip_whitelisting.allowed');
  const [text, setText] = useState('');
  const [asked, setAsked] = useState(false);
  const { good, bad } = readAddresses(text);
  const add = () => {
    setAsked(bad.length > 0);
    if (good.length > 0) set([...new Set([...allowed, ...good])]);
    setText(bad.join(' '));
  };
  // While the last address is being typed it is no fault that it is not whole.
  const told = asked ? bad : bad.filter((word) => !text.endsWith(word));
  return (
    <Group align="flex-start" gap="xs">
      <TextInput
        style={{ flex: '1 1 240px' }}
        label="Address or range"
        description="As in 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32; separate several with spaces"
        autoComplete="off"
        spellCheck={false}
        value={text}
        error={
          told.length > 0 &&
          `${listed(told)}: expected an IP address or a CIDR range such as 10.0.0.0/8 or 2001:db8::/32.`
        }
        onChange={(event) => {
          setText(event.currentTarget.value);
          setAsked(false);
        }}
        onBlur={() => text.trim() !== '' && add()}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return;
          event.preventDefault();
          add();
        }}
      />
      <Button
        mt={46}
        variant="default"
        leftSection={<IconPlus size={16} aria-hidden />}
        disabled={text.trim() === ''}
        onClick={add}
      >
        Add address
      </Button>
    </Group>
  );
}
