/** The form of the Settings: its sections, the bar with SAVE, and the dialogs that belong to it. */
import { Alert, Stack, Text } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { IconEye } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useMemo, useState } from 'react';
import { ApiFailure } from '../api/failure.ts';
import { useManages } from '../api/role.ts';
import { Confirm } from '../parts/confirm.tsx';
import { AddPem } from './add-pem.tsx';
import { Authentication } from './authentication.tsx';
import { Effects } from './change-list.tsx';
import { ClashDialog } from './clash-dialog.tsx';
import { DangerZone, DeleteConnector } from './danger.tsx';
import { type Editor, EditorContext } from './editor.ts';
import { effectsOf } from './effects.ts';
import { Events } from './events.tsx';
import { FaultSummary, summaryId } from './fault-summary.tsx';
import { describeFault } from './faults.ts';
import { General } from './general.tsx';
import { headingId, jumpTo } from './jump.ts';
import { LeaveDialog } from './leave-dialog.tsx';
import { Pki } from './pki.tsx';
import { Provisioning } from './provisioning.tsx';
import { nameIn, type ReadSettings } from './queries.ts';
import { Limits, Retention } from './retention.tsx';
import { SaveBar } from './save-bar.tsx';
import type { SettingsSearch } from './search.ts';
import { SectionIndex } from './section-index.tsx';
import type { SectionId } from './sections.ts';
import classes from './settings.module.css';
import { useSettingsDraft } from './use-settings-draft.ts';
import { fields, pathOfFault } from './values.ts';

interface Props {
  readonly connector: string;
  readonly read: ReadSettings;
  readonly readOnly: boolean;
}

export function SettingsForm({ connector, read, readOnly }: Props) {
  const manages = useManages();
  const client = useQueryClient();
  const search = useSearch({ from: '/connectors/$connector/settings' });
  const openDialog = useDialogs();
  const [asking, setAsking] = useState<'losses' | 'clash' | null>(null);
  /** SAVE was tried, so that what is wrong is told above the form. */
  const [tried, setTried] = useState(false);
  const { state, dispatch, save, changes, ownFaults, faults } = useSettingsDraft(connector, read, {
    onSaved: () => {
      setTried(false);
      notifications.show({
        color: 'teal',
        title: 'Saved',
        message: 'The settings are in effect.',
      });
    },
    onClash: () => setAsking('clash'),
  });
  const { base, draft, newer } = state;
  const effects = effectsOf(base.values, draft, (pem) => nameIn(client, connector, pem));
  const losses = effects.filter(({ kind }) => kind === 'loses');

  useEffect(() => {
    if (search.section !== undefined) jumpTo(headingId(search.section));
  }, [search.section]);
  // A refusal is told above the form: the reader is taken there.
  const refused = tried && faults.length > 0;
  useEffect(() => {
    if (refused) jumpTo(summaryId);
  }, [refused]);

  const send = () => {
    setAsking(null);
    save.mutate(state);
  };
  const trySave = () => {
    if (readOnly || changes.length === 0 || save.isPending) return;
    setTried(true);
    if (ownFaults.length > 0) jumpTo(summaryId);
    else if (newer !== null) setAsking('clash');
    else if (losses.length > 0) setAsking('losses');
    else send();
  };
  // Also while a field has the focus, but not over a dialog.
  useHotkeys([['mod+S', () => asking === null && search.dialog === undefined && trySave()]], []);
  const discard = () => {
    dispatch({ type: 'discarded' });
    save.reset();
    setTried(false);
  };

  const editor = useMemo<Editor>(
    () => ({
      connector,
      values: draft,
      base: base.values,
      readOnly,
      faults: new Map(faults.map((fault) => [fault.path, describeFault(fault)])),
      edit: (values) => dispatch({ type: 'edited', values }),
    }),
    [connector, draft, base, readOnly, faults, dispatch],
  );
  return (
    <EditorContext value={editor}>
      <div className={classes.layout}>
        <SectionIndex
          connector={connector}
          current={search.section}
          changed={new Set(changes.map(({ path }) => fields[path].section))}
          faulty={sectionsOf(faults.map(({ path }) => path))}
          hidden={readOnly || !manages ? ['danger'] : []}
        />
        <Stack className={readOnly ? classes.readOnly : undefined}>
          {readOnly && (
            <Alert variant="light" icon={<IconEye aria-hidden />} title="You can look, but not change anything here">
              Settings are for the role admin.
            </Alert>
          )}
          {refused && <FaultSummary faults={faults} />}
          <form aria-label="Settings" noValidate onSubmit={(event) => event.preventDefault()}>
            <Stack>
              <General />
              <Authentication />
              <Provisioning />
              <Pki onAddCa={() => openDialog('add-ca')} onAddCrl={() => openDialog('add-crl')} />
              <Events />
              <Retention />
              <Limits />
              {!readOnly && manages && <DangerZone onDelete={() => openDialog('delete')} />}
            </Stack>
          </form>
          {!readOnly && (
            <SaveBar
              connector={connector}
              changes={changes}
              effects={effects}
              busy={save.isPending}
              error={untold(save.error, faults.length > 0)}
              overtaken={newer !== null}
              onSave={trySave}
              onDiscard={discard}
              onCompare={() => setAsking('clash')}
            />
          )}
        </Stack>
      </div>
      <LeaveDialog changes={changes.length} />
      {!readOnly && (
        <>
          <AddPem kind="ca" connector={connector} opened={search.dialog === 'add-ca'} onClose={() => openDialog()} />
          <AddPem kind="crl" connector={connector} opened={search.dialog === 'add-crl'} onClose={() => openDialog()} />
          <DeleteConnector
            connector={connector}
            name={base.values.name}
            opened={search.dialog === 'delete'}
            onClose={() => openDialog()}
          />
          <ClashDialog
            connector={connector}
            state={state}
            opened={asking === 'clash'}
            onClose={() => setAsking(null)}
            onDecided={(theirs) => {
              if (newer !== null) dispatch({ type: 'rebased', onto: newer, theirs });
              save.reset();
              setAsking(null);
            }}
          />
          <Confirm
            opened={asking === 'losses'}
            title="Remove this for good?"
            action="Save and remove"
            busy={save.isPending}
            onConfirm={send}
            onClose={() => setAsking(null)}
          >
            <Text size="sm">These changes remove what is there now:</Text>
            <Effects effects={losses} />
          </Confirm>
        </>
      )}
    </EditorContext>
  );
}

/** Opens a dialog by the address, or closes it; the page stays where it is. */
function useDialogs() {
  const navigate = useNavigate({ from: '/connectors/$connector/settings' });
  return (dialog?: SettingsSearch['dialog']) =>
    void navigate({ search: (before) => ({ ...before, dialog }), replace: dialog === undefined, resetScroll: false });
}

/** What is told elsewhere is left out: faults at their fields, clashes in their dialog and notice. */
function untold(error: unknown, toldAtFields: boolean): unknown {
  if (!(error instanceof ApiFailure)) return error;
  if (error.code === 'SETTINGS_CHANGED') return null;
  return toldAtFields && ['SETTINGS_INVALID', 'SCHEMA'].includes(error.code) ? null : error;
}

function sectionsOf(faultPaths: readonly string[]): ReadonlySet<SectionId> {
  const known = faultPaths.map(pathOfFault).filter((path) => path !== null);
  return new Set(known.map((path) => fields[path].section));
}
