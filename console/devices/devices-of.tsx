/** The page of one connector: puts filters, list, selection and dialogs together. */
import { Box, Group, Paper, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type RowSelectionState, useTable } from '@tanstack/react-table';
import { type RefObject, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { ApiFailure, Unreachable } from '../api/failure.ts';
import { deviceCountQuery, devicesQuery } from '../api/queries.ts';
import type { Batch, Identity } from '../api/types.ts';
import { ImportDialog } from '../import/dialog.tsx';
import { batchesQuery } from '../import/queries.ts';
import { Failure } from '../parts/failure.tsx';
import { statusLooks } from '../parts/status-icon.tsx';
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
import { countDevices, firstPage, PAGE_SIZE, pageNumber } from './paging.ts';
import type { DeviceSearch } from './search.ts';
import { useBulk } from './use-bulk.ts';
import { useDevices } from './use-devices.ts';

/** Imports are asked for again this often, in ms: others make them too. */
const REFRESH = 5_000;

/** ms after which a closed dialog has let go of the focus. */
const FOCUS_AFTER = 300;

const none: Identity[] = [];
const noBatches: Batch[] = [];

export function DevicesOf() {
  const { connector, search, go, mayChange } = useDevices();
  const filter = filterOf(search);
  const query = { ...filter, sort: search.sort, cursor: search.pages?.at(-1), limit: PAGE_SIZE };
  const list = useQuery(devicesQuery(connector, query));
  const count = useQuery(deviceCountQuery(connector, filter));
  const { data: batches = noBatches } = useQuery({ ...batchesQuery(connector), refetchInterval: REFRESH });
  const [selection, setSelection] = useState<RowSelectionState>({});
  const [added, setAdded] = useState<string | null>(null);

  // What is selected under one filter is not to be changed unseen under another.
  const filterKey = JSON.stringify(filter);
  const [selectedUnder, setSelectedUnder] = useState(filterKey);
  if (filterKey !== selectedUnder) {
    setSelectedUnder(filterKey);
    setSelection({});
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
    onRowSelectionChange: setSelection,
  });

  const deselect = (identities: readonly string[]) => {
    const gone = new Set(identities);
    setSelection((before) => Object.fromEntries(Object.entries(before).filter(([identity]) => !gone.has(identity))));
  };
  const bulk = useBulk(connector, (action, done) => action.removes === true && deselect(done));
  const selected = Object.keys(selection);
  const shown = new Set(devices.map(({ identity }) => identity));

  const open = (add: NonNullable<DeviceSearch['add']>) => go({ ...search, add });
  const close = () => go({ ...search, add: undefined }, { replace: true });

  const addButton = useRef<HTMLButtonElement>(null);
  useReturnedFocus(search.add !== undefined, addButton);

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
          onClear={() => setSelection({})}
        />
      )}
      {list.data && !firstEver && (
        <Provisioning
          connector={connector}
          devices={devices}
          filtered={filtered}
          opened={search.how}
          onToggle={(how) => go({ ...search, how }, { replace: true })}
        />
      )}
      <AddOneDialog
        connector={connector}
        opened={search.add === 'one' && mayChange}
        onClose={close}
        onAdded={setAdded}
      />
      <ImportDialog connector={connector} opened={search.add === 'many' && mayChange} onClose={close} />
    </Stack>
  );
}

/** Back to the button whose menu opened a dialog: the item of the menu that had the focus is gone. */
function useReturnedFocus(opened: boolean, button: RefObject<HTMLButtonElement | null>): void {
  const was = useRef(opened);
  useEffect(() => {
    const closed = was.current && !opened;
    was.current = opened;
    if (!closed) return;
    // After the dialog has tried to give it back itself.
    const timer = setTimeout(() => {
      if (document.activeElement === document.body) button.current?.focus({ preventScroll: true });
    }, FOCUS_AFTER);
    return () => clearTimeout(timer);
  }, [opened, button]);
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
