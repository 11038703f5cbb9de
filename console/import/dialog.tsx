/** "Add many devices": a CSV file, checked before anything of it is written, then added, and undone if need be. */
import { Button, Collapse, Group, Modal, Stack, Text, Title } from '@mantine/core';
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useId, useState } from 'react';
import { meQuery } from '../api/queries.ts';
import { useServerStatus } from '../api/status.ts';
import { Confirm } from '../parts/confirm.tsx';
import { BatchesPanel } from './batches.tsx';
import { ChoicesForm } from './choices.tsx';
import { ChooseFile } from './choose.tsx';
import { Findings } from './findings.tsx';
import { ImportFailure } from './import-failure.tsx';
import { Lost } from './lost.tsx';
import { ImportProgress } from './progress.tsx';
import { Result } from './result.tsx';
import { count, figure } from './review.ts';
import { type ImportState, whyNotAdd } from './state.ts';
import { type Import, useImport } from './use-import.ts';

interface Props {
  readonly connector: string;
  readonly opened: boolean;
  readonly onClose: () => void;
  /** It is no longer on the screen. */
  readonly onClosed: () => void;
}

/** What goes on belongs to one connector. */
export function ImportDialog(props: Props) {
  return <Dialog key={props.connector} {...props} />;
}

function Dialog({ connector, opened, onClose, onClosed }: Props) {
  const job = useImport(connector, opened);
  const { step } = job.state;
  const { sessionEnded } = useServerStatus();
  const [leaving, setLeaving] = useState(false);
  const [asking, setAsking] = useState(false);
  const adding = step.at === 'adding';
  const sending = adding && step.progress.phase === 'sending';
  useWarning(sending);
  const close = () => {
    // Later: the question would take the very Escape that asks for it as its own answer.
    if (adding) setTimeout(() => setLeaving(true));
    else onClose();
  };
  const leave = () => {
    setLeaving(false);
    if (sending) job.reset();
    onClose();
  };
  return (
    <>
      <Modal
        opened={opened}
        onClose={close}
        onExitTransitionEnd={onClosed}
        title="Add many devices"
        size={900}
        closeOnClickOutside={false}
        // Those on top of this one have their own.
        closeOnEscape={!leaving && !asking && !sessionEnded}
      >
        <Stack gap="lg">
          {step.at === 'added' ? (
            <Result
              key={step.batch.id}
              connector={connector}
              batch={step.batch}
              review={step.review}
              onAnother={job.reset}
              onClose={onClose}
              onAsking={setAsking}
            />
          ) : (
            <Steps connector={connector} job={job} onClose={close} />
          )}
          {!adding && <EarlierImports connector={connector} onAsking={setAsking} />}
        </Stack>
        <span className="visually-hidden" role="status">
          {announce(job.state)}
        </span>
      </Modal>
      <Confirm
        opened={opened && leaving && adding}
        title={sending ? 'Stop adding?' : 'Close while the devices are being added?'}
        action={sending ? 'Stop and close' : 'Close and let it go on'}
        color={sending ? 'red.9' : 'harbour'}
        busy={false}
        onConfirm={leave}
        onClose={() => setLeaving(false)}
      >
        <Text size="sm">
          {sending
            ? 'The file is still on its way to the server. Closing stops it, and nothing is written.'
            : 'The server has the whole file and goes on by itself, also when this page is closed. The result will be in "Earlier imports".'}
        </Text>
      </Confirm>
    </>
  );
}

/** The browser asks before the page is left while the file is on its way: leaving would stop it. */
function useWarning(active: boolean): void {
  useEffect(() => {
    if (!active) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', warn);
    return () => window.removeEventListener('beforeunload', warn);
  }, [active]);
}

interface StepsProps {
  readonly connector: string;
  readonly job: Import;
  readonly onClose: () => void;
}

function Steps({ connector, job, onClose }: StepsProps) {
  const { state } = job;
  const { step, file } = state;
  const { data: me } = useQuery(meQuery);
  const viewer = me?.role === 'viewer';
  const busy = step.at === 'adding';
  const review = 'review' in step ? step.review : null;
  const fileName = file?.name ?? '';
  return (
    <>
      <ChooseFile connector={connector} file={file} disabled={busy || viewer} onChoose={job.choose} />
      {viewer && <Text size="sm">Your role may look at devices, not add them. Ask an operator or an admin.</Text>}
      {step.at === 'choose' && step.fault !== null && (
        <Text size="sm" c="var(--mantine-color-error)" role="alert" style={{ overflowWrap: 'anywhere' }}>
          {step.fault}
        </Text>
      )}
      {step.at === 'checking' && (
        <ImportProgress progress={step.progress}>
          <Button size="compact-sm" variant="default" onClick={job.reset}>
            Cancel the check
          </Button>
        </ImportProgress>
      )}
      {step.at === 'unchecked' && <ImportFailure error={step.error} fileName={fileName} onRetry={job.check} />}
      {step.at === 'checked' && step.error !== null && (
        <ImportFailure error={step.error} fileName={fileName} onRetry={job.add} />
      )}
      {step.at === 'lost' && <Lost connector={connector} job={job} uploaded={step.uploaded} />}
      {review !== null && (
        <Stack gap="xs">
          <div>
            <Title order={3} size="h5">
              What is in the file
            </Title>
            {step.at === 'checked' && (
              <Text size="sm" c="dimmed">
                This was a check: nothing has been written. Devices that are known already stay as they are.
              </Text>
            )}
          </div>
          <Findings review={review} />
        </Stack>
      )}
      {file !== null && (
        <ChoicesForm
          choices={state.choices}
          fileName={fileName}
          review={review}
          disabled={busy}
          onChange={job.change}
        />
      )}
      {busy && <ImportProgress progress={step.progress} rows={step.review.total} />}
      <Footer job={job} onClose={onClose} />
    </>
  );
}

function Footer({ job, onClose }: Pick<StepsProps, 'job' | 'onClose'>) {
  const { step } = job.state;
  const id = useId();
  const why = whyNotAdd(job.state);
  return (
    <Group justify="flex-end" gap="sm">
      <Text size="sm" c="dimmed" id={id} ta="right" style={{ flex: '1 1 240px' }}>
        {why}
      </Text>
      <Button variant="default" onClick={onClose}>
        {step.at === 'adding' ? 'Close' : 'Cancel'}
      </Button>
      <Button disabled={why !== null} loading={step.at === 'adding'} aria-describedby={id} onClick={job.add}>
        ADD
      </Button>
    </Group>
  );
}

function EarlierImports({
  connector,
  onAsking,
}: {
  readonly connector: string;
  readonly onAsking: (asking: boolean) => void;
}) {
  const [open, setOpen] = useState(false);
  return (
    <Stack gap="xs" align="stretch">
      <Group>
        <Button
          variant="subtle"
          size="compact-sm"
          aria-expanded={open}
          leftSection={open ? <IconChevronDown size={16} aria-hidden /> : <IconChevronRight size={16} aria-hidden />}
          onClick={() => setOpen(!open)}
        >
          Earlier imports
        </Button>
      </Group>
      <Collapse expanded={open} keepMounted={false}>
        {open && <BatchesPanel connector={connector} onAsking={onAsking} />}
      </Collapse>
    </Stack>
  );
}

/** Said aloud when it changes; progress itself would never stop talking. */
function announce({ step }: ImportState): string {
  if (step.at === 'checking') return 'The file is being checked.';
  if (step.at === 'adding') return 'The devices are being added.';
  if (step.at !== 'checked') return '';
  const { total, new: fresh, bad } = step.review;
  return `Checked: ${count(total, 'row')}, ${figure(fresh)} new, ${figure(bad)} bad.`;
}
