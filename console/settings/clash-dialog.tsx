/** Somebody else changed the settings meanwhile: shows theirs beside the own, and lets each clash be decided. */
import { Button, Group, Modal, Radio, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { Changes, Value } from './change-list.tsx';
import { type Clash, changesBetween, clashesOf, type DraftState } from './draft.ts';
import { fields, type Path } from './values.ts';

interface Props {
  readonly connector: string;
  readonly state: DraftState;
  readonly opened: boolean;
  readonly onClose: () => void;
  /** Fields that are given up for theirs. */
  readonly onDecided: (theirs: readonly Path[]) => void;
}

export function ClashDialog({ connector, state, opened, onClose, onDecided }: Props) {
  return (
    <Modal
      opened={opened && state.newer !== null}
      onClose={onClose}
      title="Somebody else changed these settings"
      size="lg"
      centered
    >
      {state.newer !== null && (
        <Body
          key={state.newer.etag}
          connector={connector}
          state={state}
          newer={state.newer}
          onClose={onClose}
          onDecided={onDecided}
        />
      )}
    </Modal>
  );
}

interface BodyProps extends Omit<Props, 'opened'> {
  readonly newer: NonNullable<DraftState['newer']>;
}

function Body({ connector, state, newer, onClose, onDecided }: BodyProps) {
  const { base, draft } = state;
  const theirs = changesBetween(base.values, newer.values);
  const clashes = clashesOf(base.values, draft, newer.values);
  const [givenUp, setGivenUp] = useState<readonly Path[]>([]);
  const decide = (path: Path, take: 'mine' | 'theirs') =>
    setGivenUp((paths) => [...paths.filter((other) => other !== path), ...(take === 'theirs' ? [path] : [])]);
  return (
    <Stack>
      <Text size="sm">
        Nothing of yours was saved, and nothing is lost. This is what was changed since you opened the page:
      </Text>
      <Text size="sm" component="div">
        <Changes connector={connector} changes={theirs} />
      </Text>
      {clashes.length === 0 ? (
        <Text size="sm">None of it touches what you changed: your changes go on top of it.</Text>
      ) : (
        <>
          <Title order={3} size="h5">
            You changed {clashes.length === 1 ? 'one of them' : `${clashes.length} of them`} too
          </Title>
          {clashes.map((clash) => (
            <Choice
              key={clash.path}
              clash={clash}
              value={givenUp.includes(clash.path) ? 'theirs' : 'mine'}
              onChange={(take) => decide(clash.path, take)}
            />
          ))}
        </>
      )}
      <Group justify="space-between">
        <Text size="sm" c="dimmed">
          Nothing is saved before you click SAVE.
        </Text>
        <Group gap="xs">
          <Button variant="default" onClick={onClose}>
            Not now
          </Button>
          <Button data-autofocus onClick={() => onDecided(givenUp)}>
            Go on with these
          </Button>
        </Group>
      </Group>
    </Stack>
  );
}

interface ChoiceProps {
  readonly clash: Clash;
  readonly value: 'mine' | 'theirs';
  readonly onChange: (take: 'mine' | 'theirs') => void;
}

function Choice({ clash: { path, to, theirs }, value, onChange }: ChoiceProps) {
  return (
    <Radio.Group
      label={fields[path].label}
      value={value}
      onChange={(take) => onChange(take === 'theirs' ? 'theirs' : 'mine')}
    >
      <Stack gap={6} mt={6}>
        <Radio value="mine" label={<Side whose="Keep yours" path={path} value={to} />} />
        <Radio value="theirs" label={<Side whose="Take theirs" path={path} value={theirs} />} />
      </Stack>
    </Radio.Group>
  );
}

function Side({ whose, path, value }: { readonly whose: string; readonly path: Path; readonly value: Clash['to'] }) {
  return (
    <span style={{ overflowWrap: 'anywhere' }}>
      {whose}: <Value path={path} value={value} />
    </span>
  );
}
