/** What a certificate or a revocation list says, as the server reads it. */
import { Alert, Group, Skeleton, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { formatFingerprint } from '../device/credential.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Failure } from '../parts/failure.tsx';
import { certificateQuery, crlQuery } from './queries.ts';
import classes from './settings.module.css';
import { dayOf, judgeValidity, type Validity } from './validity.ts';
import { plural } from './words.ts';

interface Props {
  readonly connector: string;
  readonly pem: string;
}

export function Certificate({ connector, pem }: Props) {
  const { data, error, refetch } = useQuery(certificateQuery(connector, pem));
  if (data === undefined) return <NotYet error={error} onRetry={() => void refetch()} />;
  const validity = judgeValidity(data.not_before, data.not_after, Date.now() * 1000);
  return (
    <>
      {!data.is_ca && (
        <Alert variant="light" color="red" p="xs" mb="xs" icon={<IconAlertTriangle aria-hidden />}>
          This is not a CA certificate: it cannot sign certificates of devices. Add the certificate of the CA that
          signed it.
        </Alert>
      )}
      <dl className={classes.facts}>
        <Fact name="Subject">
          <b>{data.subject}</b>
        </Fact>
        <Fact name="Issuer">{data.issuer === data.subject ? 'itself' : data.issuer}</Fact>
        <Fact name="Validity">
          <Group gap="xs">
            {dayOf(data.not_before)} to {dayOf(data.not_after)}
            <ValidityMark validity={validity} />
          </Group>
        </Fact>
        <Fact name="Key">{data.key}</Fact>
        <Fact name="Fingerprint">
          <Group gap={4} wrap="nowrap" align="flex-start">
            <Text span size="xs" className="mono">
              {colonized(data.fingerprint)}
            </Text>
            <CopyButton value={colonized(data.fingerprint)} label={`fingerprint of ${data.subject}`} />
          </Group>
        </Fact>
      </dl>
    </>
  );
}

export function RevocationList({ connector, pem }: Props) {
  const { data, error, refetch } = useQuery(crlQuery(connector, pem));
  if (data === undefined) return <NotYet error={error} onRetry={() => void refetch()} />;
  const stale = data.next_update !== null && data.next_update < Date.now() * 1000;
  return (
    <dl className={classes.facts}>
      <Fact name="Issuer">
        <b>{data.issuer}</b>
      </Fact>
      <Fact name="Revoked">{plural(data.revoked, 'certificate')}</Fact>
      {data.this_update !== null && <Fact name="Made">{dayOf(data.this_update)}</Fact>}
      {data.next_update !== null && (
        <Fact name="Next due">
          <Group gap="xs">
            {dayOf(data.next_update)}
            {stale && <Mark color="orange">a newer one is due; this one still applies</Mark>}
          </Group>
        </Fact>
      )}
    </dl>
  );
}

function NotYet({ error, onRetry }: { readonly error: unknown; readonly onRetry: () => void }) {
  return error ? (
    <Failure error={error} onRetry={onRetry} />
  ) : (
    <Skeleton height={96} aria-busy role="status" aria-label="Decoding" />
  );
}

const colonized = (hex: string) =>
  formatFingerprint(hex)
    .map(({ text }) => text)
    .join('');

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

const colors: Readonly<Record<Validity['state'], string>> = {
  good: 'teal',
  soon: 'orange',
  over: 'red',
  early: 'orange',
};

function ValidityMark({ validity }: { readonly validity: Validity }) {
  return <Mark color={colors[validity.state]}>{validity.text}</Mark>;
}

/** The texts say it too: colour is not needed. */
function Mark({ color, children }: { readonly color: string; readonly children: ReactNode }) {
  return (
    <Text span size="sm" fw={600} c={`var(--mantine-color-${color}-light-color)`}>
      {children}
    </Text>
  );
}
