/** The page of one connector: puts filters, list, selection and dialogs together. */
import { Box, Group, Paper, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type RowSelectionState, useTable } from '@tanstack/react-table';
import { useCallback, useMemo, useRef, useState } from 'react';
import { ApiFailure, Unreachable } from '../api/failure.ts';
import type { Batch, Identity } from '../api/types.ts';
import { ImportDialog } from '../import/dialog.tsx';
import { batchesQuery } from '../import/queries.ts';
import { Failure } from '../parts/failure.tsx';
import { statusLooks } from '../parts/status-icon.tsx';
import { useIdleCode } from '../shell/use-idle-code.ts';
import { AddMenu } from './add-menu.tsx';
import { AddOneDialog } from './add-one-dialog.tsx';
import { BulkBar } from './bulk-bar.tsx';
import { columnsFor, features } from './columns.tsx';
import { DeviceTable, TableSkeleton } from './device-table.tsx';
import classes from './devices.module.css';
import { NoDevices, NoMatch, NothingHere } from './empty-states.tsx';
import { chipsOf, filterOf, isFiltered, sortedBy, withoutFilter, withTag } from './filter.ts';
import { Chips, Filters } from './filters.tsx';
import { HowToProvision } from './how-to-provision.tsx';
import { Pager } from './pager.tsx';
import { countDevices, firstPage, pageNumber } from './paging.ts';
import { pageQuery, totalQuery } from './queries.ts';
import type { DeviceSearch } from './search.ts';
import { useAfterPaint, useEver } from './staged.ts';
import { useBulk } from './use-bulk.ts';
import { useDevices } from './use-devices.ts';
import { useJob } from './use-job.ts';

/** Imports are asked for again this often, in ms: others make them too. */
const REFRESH = 5_000;

/** What is opened from here most often. */
const next = ['/connectors/$connector/devices/$identity', '/connectors/$connector/logs'] as const;

const none: Identity[] = [];
const noBatches: Batch[] = [];

export function DevicesOf() {
  const { connector, search, go, mayChange } = useDevices();
  const filter = filterOf(search);
  const list = useQuery(pageQuery(connector, search));
  const count = useQuery(totalQuery(connector, search));
  const { data: batches = noBatches } = useQuery({ ...batchesQuery(connector), refetchInterval: REFRESH });
  const [selection, setSelection] = useState<RowSelectionState>({});
  const [added, setAdded] = useState<string | null>(null);

  // What is selected under one filter is not to be changed unseen under another.
  const filterKey = JSON.stringify(filter);
  // All that fit, on whatever page they are.
  const [whole, setWhole] = useState(false);
  const [selectedUnder, setSelectedUnder] = useState(filterKey);
  if (filterKey !== selectedUnder) {
    setSelectedUnder(filterKey);
    setSelection({});
    setWhole(false);
  }

  const batchName = useMemo(() => {
    const names = new Map(batches.map(({ id, name }) => [id, name]));
    return (id: string) => names.get(id) ?? id;
  }, [batches]);
  const onTag = useCallback((tag: string) => go((before) => withTag(before, tag)), [go]);
  const columns = useMemo(
    () => columnsFor({ connector, batchName, mayChange, onTag }),
    [connector, batchName, mayChange, onTag],
  );
  const devices = list.data?.devices ?? none;
  const table = useTable({
    features,
    columns,
    data: devices,
    getRowId: ({ identity }) => identity,
    state: { rowSelection: selection },
    onRowSelectionChange: (change) => {
      setSelection(change);
      setWhole(false);
    },
  });

  const deselect = (identities: readonly string[]) => {
    const gone = new Set(identities);
    setSelection((before) => Object.fromEntries(Object.entries(before).filter(([identity]) => !gone.has(identity))));
  };
  const bulk = useBulk(connector, (action, done) => action.removes === true && deselect(done));
  const job = useJob(connector);
  const selected = Object.keys(selection);
  const clear = () => {
    setSelection({});
    setWhole(false);
  };
  const shown = new Set(devices.map(({ identity }) => identity));

  const adding = mayChange ? search.add : undefined;
  const open = (add: NonNullable<DeviceSearch['add']>) => go({ ...search, add });
  const close = () => go({ ...search, add: undefined }, { replace: true });

  // What is below the first screenful is made once that is to be seen.
  const painted = useAfterPaint(list.data !== undefined);
  useIdleCode(next);

  const addButton = useRef<HTMLButtonElement>(null);
  const focusBack = () => takeLostFocus(addButton.current);

  const filtered = isFiltered(search);
  const empty = list.data !== undefined && devices.length === 0 && !list.isPlaceholderData;
  const firstEver = empty && !filtered && pageNumber(search) === 1;
  const wrongCursor = list.error instanceof ApiFailure && list.error.code === 'CURSOR_INVALID';

  return (
    <Stack gap="sm">
      <Group justify="space-between" wrap="nowrap" mih={36}>
        <Group gap="0 10px" align="baseline">
          <Title order={2} size="h4">
            Devices
          </Title>
          <Total count={count.data?.count} failed={count.error !== null} filtered={filtered} />
        </Group>
        {mayChange && <AddMenu button={addButton} onAdd={open} />}
      </Group>
      {!firstEver && <Filters connector={connector} search={search} batches={batches} onGo={go} />}
      <Chips
        chips={chipsOf(search, { status: (status) => statusLooks[status].label, batch: batchName })}
        onGo={go}
        onClear={() => go(withoutFilter(search))}
      />
      {list.error && !(list.error instanceof Unreachable && list.data) && (
        <Failure
          error={list.error}
          onRetry={() => (wrongCursor ? go(firstPage(search), { replace: true }) : void list.refetch())}
        />
      )}
      {(list.data || list.isPending) && (
        <Paper withBorder className={classes.frame}>
          {list.isPending && <TableSkeleton />}
          {firstEver && <NoDevices mayChange={mayChange} onAdd={open} />}
          {empty && !firstEver && filtered && <NoMatch onClear={() => go(withoutFilter(search))} />}
          {empty && !firstEver && !filtered && <NothingHere onFirst={() => go(firstPage(search))} />}
          {devices.length > 0 && (
            <DeviceTable
              table={table}
              columns={columns}
              sort={search.sort}
              onSort={(column) => go(sortedBy(search, column))}
              stale={list.isPlaceholderData}
              added={added}
              whole={painted}
            />
          )}
          {list.data && (
            <Pager
              search={search}
              shown={devices.length}
              total={count.isPlaceholderData ? undefined : count.data?.count}
              cursor={list.isPlaceholderData ? null : list.data.cursor}
              onGo={(next) => go(next, { toTop: true })}
            />
          )}
        </Paper>
      )}
      {mayChange && (
        <BulkBar
          connector={connector}
          selected={selected}
          more={list.data !== undefined && (list.data.cursor !== null || pageNumber(search) > 1)}
          elsewhere={selected.filter((identity) => !shown.has(identity)).length}
          state={bulk.state}
          onRun={bulk.run}
          onDismiss={bulk.dismiss}
          onClear={clear}
          total={count.isPlaceholderData ? undefined : count.data?.count}
          filtered={filtered}
          whole={whole}
          onWhole={() => setWhole(true)}
          job={job}
          onRunAll={(action) => {
            job.start(action, filter, count.data?.count ?? 0);
            clear();
          }}
        />
      )}
      {list.data && !firstEver && painted && (
        <Provisioning
          connector={connector}
          devices={devices}
          filtered={filtered}
          opened={search.how}
          onToggle={(how) => go({ ...search, how }, { replace: true })}
        />
      )}
      {useEver(adding === 'one') && (
        <AddOneDialog
          connector={connector}
          opened={adding === 'one'}
          onClose={close}
          onClosed={focusBack}
          onAdded={setAdded}
        />
      )}
      {useEver(adding === 'many') && (
        <ImportDialog connector={connector} opened={adding === 'many'} onClose={close} onClosed={focusBack} />
      )}
    </Stack>
  );
}

/** To the button whose menu opened a dialog that has closed: the item of the menu that had the focus before is gone. */
function takeLostFocus(button: HTMLButtonElement | null): void {
  const at = document.activeElement;
  if (at === document.body || at?.closest('[role="dialog"]')) button?.focus({ preventScroll: true });
}

interface TotalProps {
  readonly count: number | undefined;
  readonly failed: boolean;
  readonly filtered: boolean;
}

function Total({ count, failed, filtered }: TotalProps) {
  if (count === undefined) return failed ? null : <Skeleton height={14} width={90} />;
  return (
    <Text size="sm" c="dimmed">
      {countDevices(count)}
      {filtered && (count === 1 ? ' fits' : ' fit')}
    </Text>
  );
}

interface ProvisioningProps {
  readonly connector: string;
  readonly devices: readonly Identity[];
  readonly filtered: boolean;
  readonly opened: boolean | undefined;
  readonly onToggle: (opened: boolean) => void;
}

/** Open by itself as long as no device has ever provisioned, as things were when the page came up. */
function Provisioning({ connector, devices, filtered, opened, onToggle }: ProvisioningProps) {
  const waiting = devices.find(({ status }) => status === 'whitelisted')?.identity;
  const [fresh] = useState(!filtered && devices.length > 0 && devices.every(({ lastseen }) => lastseen === null));
  return (
    <Box>
      <HowToProvision connector={connector} identity={waiting} opened={opened ?? fresh} onToggle={onToggle} />
    </Box>
  );
}
