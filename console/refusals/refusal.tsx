/** One refusal explained: the rule, what was seen, what was wanted, what that means, and the button that mends it. */
import { Alert, Button, Code, Group, Stack, Text } from '@mantine/core';
import { IconCheck } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { deviceQuery, settingsQuery } from '../api/queries.ts';
import { useMay } from '../api/role.ts';
import { fingerprintText } from '../device/credential.ts';
import { Failure } from '../parts/failure.tsx';
import { ButtonLink } from '../parts/link.tsx';
import { mend } from './mend.ts';
import classes from './refusal.module.css';
import { goneOf, labelOf, type Refused, type Remedy, remediesOf, roleFor, ruleOf, type Standing } from './rules.ts';

export type { Refused } from './rules.ts';

interface Props {
  readonly connector: string;
  /** Null where the device did not say who it is. */
  readonly identity: string | null;
  readonly refused: Refused;
  /** Leaves out the title, where it stands above already. */
  readonly untitled?: boolean;
}

export function Refusal({ connector, identity, refused, untitled }: Props) {
  const client = useQueryClient();
  const { standing, asked } = useStanding(connector, identity);
  const { title, explanation, advice } = ruleOf(refused);
  const mending = useMutation({
    mutationFn: (remedy: Remedy) => mend(client, { connector, identity: identity ?? '' }, remedy),
  });
  const gone = goneOf(refused, standing);
  const remedies = remediesOf(refused, standing).filter(({ kind }) => gone === null || !acts(kind));
  return (
    <Stack gap="xs">
      {!untitled && <Text fw={600}>{title}</Text>}
      <Text size="sm">{explanation}</Text>
      <dl className={classes.facts}>
        <Fact name="Rule">
          <Code>{refused.rule ?? 'none'}</Code>
        </Fact>
        {refused.seen !== null && (
          <Fact name="Seen">
            <span className="mono">{withFingerprints(refused.seen)}</span>
          </Fact>
        )}
        {refused.wanted !== null && (
          <Fact name="Expected">
            <span className="mono">{withFingerprints(refused.wanted)}</span>
          </Fact>
        )}
      </dl>
      {/* There from the beginning, so that a screen reader says what comes into it. */}
      <div role="status">
        {mending.data !== undefined && <Done text={mending.data} />}
        {mending.data === undefined && gone !== null && <Done text={`${gone} The device can try again.`} />}
      </div>
      {mending.data === undefined && gone === null && <Text size="sm">{advice}</Text>}
      {mending.error && <Failure error={mending.error} />}
      {mending.data === undefined && asked && remedies.length > 0 && (
        <Remedies
          connector={connector}
          remedies={remedies}
          busy={mending.isPending ? mending.variables : null}
          onMend={(remedy) => mending.mutate(remedy)}
        />
      )}
    </Stack>
  );
}

/** Fingerprints, as they stand on the device's page. */
const withFingerprints = (text: string) => text.replace(/\b[0-9a-f]{64}\b/g, fingerprintText);

/** Links are there even if the cause is gone. */
const acts = (kind: Remedy['kind']) => kind !== 'settings' && kind !== 'resources';

/** `asked` once all of it is there or cannot be had: a remedy that came later would push others aside, from under the pointer. */
function useStanding(connector: string, identity: string | null): { standing: Standing; asked: boolean } {
  const device = useQuery({ ...deviceQuery(connector, identity ?? ''), enabled: identity !== null });
  const settings = useQuery(settingsQuery(connector));
  return {
    standing: { identity, device: device.data, settings: settings.data?.settings, now: Date.now() * 1000 },
    asked: !device.isLoading && !settings.isLoading,
  };
}

function Fact({ name, children }: { readonly name: string; readonly children: React.ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function Done({ text }: { readonly text: string }) {
  return (
    <Alert color="teal" variant="light" p="xs" icon={<IconCheck size={18} aria-hidden />}>
      {text}
    </Alert>
  );
}

interface RemediesProps {
  readonly connector: string;
  readonly remedies: readonly Remedy[];
  /** The one that is being carried out. */
  readonly busy: Remedy | null;
  readonly onMend: (remedy: Remedy) => void;
}

function Remedies({ connector, remedies, busy, onMend }: RemediesProps) {
  const may = { viewer: true, operator: useMay('operator'), admin: useMay('admin') };
  const allowed = remedies.filter((remedy) => may[roleFor(remedy)]);
  const first = remedies.find((remedy) => !may[roleFor(remedy)]);
  return (
    <>
      {first !== undefined && (
        <Text size="sm" c="dimmed">
          {labelOf(first)}: {roleFor(first) === 'admin' ? 'an admin' : 'an operator'} may do that.
        </Text>
      )}
      <Group gap="xs">
        {allowed.map((remedy, i) => {
          const label = labelOf(remedy);
          if (remedy.kind === 'settings') {
            return (
              <ButtonLink
                key={label}
                to="/connectors/$connector/settings"
                params={{ connector }}
                search={{ section: remedy.section }}
                size="xs"
                variant="default"
              >
                {label}
              </ButtonLink>
            );
          }
          if (remedy.kind === 'resources') {
            return (
              <ButtonLink
                key={label}
                to="/connectors/$connector/resources"
                params={{ connector }}
                size="xs"
                variant="default"
              >
                {label}
              </ButtonLink>
            );
          }
          return (
            <Button
              key={label}
              size="xs"
              variant={i === 0 ? 'filled' : 'default'}
              loading={busy !== null && labelOf(busy) === label}
              disabled={busy !== null}
              onClick={() => onMend(remedy)}
            >
              {label}
            </Button>
          );
        })}
      </Group>
    </>
  );
}
