/** Says above the form what has to be mended before it can be saved, with links to the fields. */
import { Alert, Anchor, List } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { FieldFault } from '../api/failure.ts';
import { fieldId } from './editor.ts';
import { describeFault } from './faults.ts';
import { jumpTo } from './jump.ts';
import { fields, pathOfFault } from './values.ts';

export const summaryId = 'settings-faults';

export function FaultSummary({ faults }: { readonly faults: readonly FieldFault[] }) {
  return (
    <Alert
      id={summaryId}
      tabIndex={-1}
      role="alert"
      variant="light"
      color="red"
      icon={<IconAlertTriangle aria-hidden />}
      title="Nothing was saved: please correct this first"
    >
      <List size="sm" spacing={4}>
        {faults.map((fault) => (
          <List.Item key={fault.path}>
            <FieldLink path={fault.path} /> {describeFault(fault)}
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}

function FieldLink({ path }: { readonly path: string }) {
  const field = pathOfFault(path);
  if (field === null) return <b>{path}:</b>;
  const [, place] = /\[(\d+)\]/.exec(path) ?? [];
  // An entry of a list has a place of its own if it is shown.
  const open = () => jumpTo(document.getElementById(fieldId(path)) ? fieldId(path) : fieldId(field), 'center');
  return (
    <Anchor
      href={`#${fieldId(path)}`}
      inherit
      underline="always"
      onClick={(event) => {
        event.preventDefault();
        open();
      }}
    >
      {fields[field].label}
      {place !== undefined && `, entry ${Number(place) + 1}`}:
    </Anchor>
  );
}
