/** "Add one device": lets one identity in, checked as it is typed against the format of the connector. */
import { Alert, Button, Checkbox, Group, Modal, NumberInput, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconCheck, IconInfoCircle } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import type { IdentityFormat } from '../../src/domain/connector.ts';
import { checkIdentity, describeFormat, type IdentityFault } from '../../src/domain/identity.ts';
import { api, unwrap } from '../api/client.ts';
import { ApiFailure, fieldFaults } from '../api/failure.ts';
import { settingsQuery } from '../api/queries.ts';
import { hoursWanted, usualHours, windowEnd } from '../parts/activation-window.ts';
import { Failure } from '../parts/failure.tsx';
import { formatExact } from '../parts/format-time.ts';
import { TextLink } from '../parts/link.tsx';
import { visible } from '../parts/visible.ts';
import { type AddForm, bodyOf } from './add-request.ts';
import { CredentialField } from './credential-field.tsx';
import { Disclosure } from './disclosure.tsx';
import { tagFault } from './tag-rows.ts';
import { TagsEditor } from './tags-editor.tsx';

interface Props {
  readonly connector: string;
  readonly opened: boolean;
  readonly onClose: () => void;
  /** It is no longer on the screen. */
  readonly onClosed: () => void;
  readonly onAdded: (identity: string) => void;
}

export function AddOneDialog({ connector, opened, onClose, onClosed, onAdded }: Props) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      onExitTransitionEnd={onClosed}
      title="Add one device"
      centered
      closeOnClickOutside={false}
    >
      <AddOne connector={connector} onClose={onClose} onAdded={onAdded} />
    </Modal>
  );
}

/** Without hours as long as nobody has typed any: they are then the connector's. */
type Typed = Omit<AddForm, 'hours'> & { readonly hours: AddForm['hours'] | null };
const blank: Typed = { identity: '', hours: null, tags: [], credential: null };
const nowMicros = () => Date.now() * 1000;

function AddOne({ connector, onClose, onAdded }: Omit<Props, 'opened' | 'onClosed'>) {
  const client = useQueryClient();
  const { data, error: settingsError, refetch } = useQuery(settingsQuery(connector));
  const [typed, setTyped] = useState(blank);
  const form: AddForm = { ...typed, hours: typed.hours ?? usualHours(data?.settings.provisioning.expire_hours) };
  const [another, setAnother] = useState(false);
  const [last, setLast] = useState<string | null>(null);
  const identityField = useRef<HTMLInputElement>(null);
  const change = (part: Partial<AddForm>) => setTyped((before) => ({ ...before, ...part }));

  const add = useMutation({
    mutationFn: ({ generate }: { readonly generate: boolean }) => whitelist(connector, form, generate),
    onSuccess: async ({ identity, status }) => {
      await client.invalidateQueries({ queryKey: ['devices', connector] });
      void client.invalidateQueries({ queryKey: ['tags', connector] });
      onAdded(identity);
      if (another) {
        setLast(identity);
        change({ identity: '', credential: null });
        identityField.current?.focus();
        return;
      }
      const message = status === 'provisioned' ? 'It is provisioned with that credential.' : 'It is whitelisted now.';
      notifications.show({ color: 'teal', title: `${shorten(identity)} was added`, message });
      onClose();
    },
  });

  const settings = data?.settings;
  const { identity, hours, tags, credential } = form;
  const fault = settings && identity !== '' ? checkIdentity(settings.identity_format, identity) : null;
  const end = windowEnd(hours, nowMicros());
  const ready = (credential !== null ? credential.key !== '' : end !== null) && tags.every((tag) => !tagFault(tag));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready && identity !== '' && fault === null) add.mutate({ generate: false });
  };
  const keyFault = fieldFaults(add.error).find(({ path }) => path.startsWith('auth.key'));
  const edit = (part: Partial<AddForm>) => {
    if (add.error !== null) add.reset();
    change(part);
  };

  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <TextInput
          ref={identityField}
          label="Identity"
          description={
            fault === null && (settings ? describeFormat(settings.identity_format) : <Skeleton height={18} />)
          }
          inputWrapperOrder={['label', 'input', 'error', 'description']}
          classNames={{ input: 'mono' }}
          data-autofocus
          required
          autoComplete="off"
          spellCheck={false}
          error={settings && fault !== null ? faultText(fault, identity, settings.identity_format) : undefined}
          rightSection={identity !== '' && settings && fault === null && <Fits />}
          value={identity}
          onChange={(event) => edit({ identity: event.currentTarget.value })}
        />
        {settingsError && !settings && <Failure error={settingsError} onRetry={() => void refetch()} />}
        {settings?.provisioning.generate_identity && credential === null && (
          <Group gap="xs" wrap="nowrap" mt={-4}>
            <Button
              flex="none"
              variant="light"
              size="xs"
              loading={add.isPending && add.variables.generate}
              disabled={!ready || add.isPending}
              onClick={() => add.mutate({ generate: true })}
            >
              Let the server make one
            </Button>
            <Text size="xs" c="dimmed">
              Adds it at once, with the activation period and tags below
            </Text>
          </Group>
        )}
        <NumberInput
          label="Activation period"
          suffix=" hours"
          min={0}
          clampBehavior="none"
          required
          disabled={credential !== null}
          description={credential === null ? until(end) : 'Not needed: the device is provisioned at once'}
          inputWrapperOrder={['label', 'input', 'error', 'description']}
          error={credential === null && end === null ? hoursWanted : undefined}
          value={hours}
          onChange={(hours) => edit({ hours })}
        />
        <TagsEditor connector={connector} rows={tags} onChange={(tags) => edit({ tags })} />
        <Advanced
          value={credential}
          onChange={(credential) => edit({ credential })}
          error={keyFault && `Saw ${keyFault.seen}; expected ${keyFault.expected}`}
        />
        {add.error && !keyFault && <Refused connector={connector} identity={identity} error={add.error} />}
        {last !== null && !add.error && (
          <Alert color="teal" variant="light" role="status" icon={<IconCheck aria-hidden />}>
            <DeviceLink connector={connector} identity={last} /> was added.
          </Alert>
        )}
        <Group justify="space-between">
          <Checkbox
            label="Add another"
            checked={another}
            onChange={(event) => setAnother(event.currentTarget.checked)}
          />
          <Group gap="xs">
            <Button variant="default" onClick={onClose}>
              {last === null ? 'Cancel' : 'Close'}
            </Button>
            <Button
              type="submit"
              loading={add.isPending && !add.variables.generate}
              disabled={!ready || identity === '' || fault !== null}
            >
              ADD
            </Button>
          </Group>
        </Group>
      </Stack>
    </form>
  );
}

function whitelist(connector: string, form: AddForm, generate: boolean) {
  const body = bodyOf(form, nowMicros());
  if (generate) {
    const params = { path: { connector } };
    return unwrap(api.POST('/api:1/service/{connector}/device2/identity', { params, body }));
  }
  const params = { path: { connector, identity: form.identity } };
  return unwrap(api.PUT('/api:1/service/{connector}/device2/identity/{identity}', { params, body }));
}

/** What was wanted, and of a number of characters how many there are. */
function faultText({ rule, wanted }: IdentityFault, identity: string, format: IdentityFormat): string {
  if (rule !== 'identity_format.options.length') return `Expected: ${wanted}`;
  return `Expected: ${wanted}; this has ${[...identity.slice(format.prefix.length)].length}`;
}

function until(end: number | null) {
  return end === null ? undefined : `It has to provision before ${formatExact(end).slice(0, 16)}`;
}

const shorten = (identity: string) => (identity.length > 40 ? `${identity.slice(0, 40)}…` : identity);

function Fits() {
  return (
    <>
      <IconCheck size={16} color="var(--mantine-color-teal-6)" aria-hidden />
      <span className="visually-hidden" role="status">
        It fits the format
      </span>
    </>
  );
}

function Advanced(props: Parameters<typeof CredentialField>[0]) {
  const [opened, setOpened] = useState(false);
  return (
    <Disclosure label="Advanced" order={3} opened={opened} onToggle={setOpened}>
      <CredentialField {...props} />
    </Disclosure>
  );
}

interface RefusedProps {
  readonly connector: string;
  readonly identity: string;
  readonly error: unknown;
}

function Refused({ connector, identity, error }: RefusedProps) {
  if (!(error instanceof ApiFailure && error.code === 'DEVICE_KNOWN')) return <Failure error={error} />;
  return (
    <Alert variant="light" role="alert" icon={<IconInfoCircle aria-hidden />} title="This device is already here">
      <Text size="sm">
        Nothing was changed. Look at <DeviceLink connector={connector} identity={identity} />, or type another identity.
      </Text>
    </Alert>
  );
}

function DeviceLink({ connector, identity }: { readonly connector: string; readonly identity: string }) {
  return (
    <TextLink
      to="/connectors/$connector/devices/$identity"
      params={{ connector, identity }}
      inherit
      underline="always"
      className="mono"
    >
      {visible(identity)}
    </TextLink>
  );
}
