/** What stands in each column of the list of devices. */
import { Badge, Tooltip } from '@mantine/core';
import {
  createColumnHelper,
  type ReactTable,
  rowSelectionFeature,
  type Row as TableRow,
  tableFeatures,
} from '@tanstack/react-table';
import type { Identity } from '../api/types.ts';
import { PlainLink } from '../parts/link.tsx';
import { StatusIcon } from '../parts/status-icon.tsx';
import { Ago } from '../parts/time.tsx';
import { validityOf } from '../parts/validity.ts';
import classes from './devices.module.css';
import { type SortColumn, withBatch } from './filter.ts';
import { IdentityText } from './identity-text.tsx';
import { TagList } from './tag-list.tsx';

export const features = tableFeatures({ rowSelectionFeature });
export type Row = TableRow<typeof features, Identity>;
export type DeviceTable = ReactTable<typeof features, Identity>;

interface Layout {
  /** px, or a share of the table; the columns without one share the rest. */
  readonly width?: number | `${number}%`;
  /** Narrower screens do without this column. */
  readonly from?: 'xs' | 'sm' | 'md' | 'lg' | 'xl';
  readonly sort?: SortColumn;
}

/** How wide each column is, and on which screens it is shown. */
export const layouts: Readonly<Record<string, Layout>> = {
  select: { width: 40 },
  status: { width: 48 },
  identity: { sort: 'identity' },
  tags: { width: '20%', from: 'sm' },
  batch: { width: 120, from: 'lg' },
  lastactivity: { width: 148, sort: 'activity' },
  created: { width: 104, from: 'lg', sort: 'created' },
  lastip: { width: 120, from: 'md' },
  online: { width: 92, from: 'xs' },
};

interface Context {
  readonly connector: string;
  readonly batchName: (id: string) => string;
  readonly mayChange: boolean;
  readonly onTag: (tag: string) => void;
}

const helper = createColumnHelper<typeof features, Identity>();

export function columnsFor({ connector, batchName, mayChange, onTag }: Context) {
  const select = helper.display({
    id: 'select',
    header: ({ table }) => (
      <Tick
        label="Select all on this page"
        checked={table.getIsAllPageRowsSelected()}
        indeterminate={!table.getIsAllPageRowsSelected() && table.getIsSomePageRowsSelected()}
        onChange={table.getToggleAllPageRowsSelectedHandler()}
      />
    ),
    cell: ({ row }) => (
      <Tick label={`Select ${row.id}`} checked={row.getIsSelected()} onChange={row.getToggleSelectedHandler()} />
    ),
  });
  const facts = helper.columns([
    helper.display({
      id: 'status',
      header: () => <span className="visually-hidden">Status</span>,
      cell: ({ row }) => <StatusIcon status={row.original.status} />,
    }),
    helper.display({
      id: 'identity',
      header: 'Identity',
      cell: ({ row }) => (
        <>
          <PlainLink
            to={{ to: '/connectors/$connector/devices/$identity', params: { connector, identity: row.id } }}
            aria-label={row.id}
            className={classes.cut}
          >
            <IdentityText identity={row.id} />
          </PlainLink>
          <CertificateEnd at={row.original.certificate_expires} />
        </>
      ),
    }),
    helper.display({
      id: 'tags',
      header: 'Tags',
      cell: ({ row }) => <TagList device={row.original} onTag={onTag} />,
    }),
    helper.display({
      id: 'batch',
      header: 'Batch',
      cell: ({ row }) => {
        const { batch } = row.original;
        return batch === null ? null : (
          <PlainLink
            to={{
              to: '/connectors/$connector/devices',
              params: { connector },
              search: (before) => withBatch(before, batch),
              resetScroll: false,
            }}
            className={classes.cut}
            title={`Devices of the batch ${batchName(batch)}`}
          >
            {batchName(batch)}
          </PlainLink>
        );
      },
    }),
    helper.display({
      id: 'lastactivity',
      header: 'Last activity',
      cell: ({ row }) => (
        <span className={classes.online}>
          {row.original.online && (
            <span className={`${classes.dot} mantine-hidden-from-${layouts.online?.from}`} data-online>
              <span className="visually-hidden">Online, </span>
            </span>
          )}
          <LastActivity device={row.original} />
        </span>
      ),
    }),
    helper.display({ id: 'created', header: 'Created', cell: ({ row }) => <Ago at={row.original.created} /> }),
    helper.display({
      id: 'lastip',
      header: 'Last IP',
      cell: ({ row }) => (
        <span className={classes.cut} title={row.original.lastip ?? undefined}>
          {row.original.lastip}
        </span>
      ),
    }),
    helper.display({ id: 'online', header: OnlineHeader, cell: ({ row }) => <Online online={row.original.online} /> }),
  ]);
  return mayChange ? [select, ...facts] : facts;
}

/** Only where there is something to be done about it. */
function CertificateEnd({ at }: { readonly at: number | undefined }) {
  if (at === undefined) return null;
  const { text, tone } = validityOf(0, at, Date.now() * 1000);
  if (tone === 'good') return null;
  return (
    <Badge size="sm" variant="light" color={tone === 'bad' ? 'red' : 'orange'} tt="none" fw={500} mt={2}>
      Certificate: {text}
    </Badge>
  );
}

interface TickProps {
  readonly label: string;
  readonly checked: boolean;
  readonly indeterminate?: boolean;
  readonly onChange: (event: unknown) => void;
}

/** The browser's own: there is one in each row, and a part of the library costs as much as the rest of the row. */
function Tick({ label, checked, indeterminate = false, onChange }: TickProps) {
  const mixed = (input: HTMLInputElement | null) => {
    if (input !== null) input.indeterminate = indeterminate;
  };
  return (
    <input
      ref={mixed}
      type="checkbox"
      className={classes.tick}
      aria-label={label}
      checked={checked}
      onChange={onChange}
    />
  );
}

/** What the list is sorted by: when the device was last heard of, or else when it was added. */
function LastActivity({ device: { lastseen, created } }: { readonly device: Identity }) {
  if (lastseen !== null) return <Ago at={lastseen} />;
  return (
    <span className={classes.dimmed}>
      added <Ago at={created} />
    </span>
  );
}

function OnlineHeader() {
  return (
    <Tooltip label="Heard of within the last 5 minutes, or connected">
      <span>Online</span>
    </Tooltip>
  );
}

function Online({ online }: { readonly online: boolean }) {
  return (
    <span className={classes.online}>
      <span className={classes.dot} data-online={online || undefined} aria-hidden />
      {online ? 'online' : 'offline'}
    </span>
  );
}
