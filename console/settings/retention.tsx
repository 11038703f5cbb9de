/** How long things are kept, and how much a device may send. */
import { SimpleGrid, Stack } from '@mantine/core';
import { useField } from './editor.ts';
import { NumberField } from './number-field.tsx';
import { Section } from './section.tsx';
import { Toggle } from './toggle.tsx';

export function Retention() {
  return (
    <Section
      id="retention"
      about="How long things are kept, in days; 0 keeps them forever. What is older is removed within minutes, for good."
    >
      <SimpleGrid cols={{ base: 1, sm: 3 }} style={{ alignItems: 'end' }}>
        <Days path="retention.events_days" label="Keep events" about="Of the log" />
        <Days
          path="retention.history_days"
          label="Keep the history of resources"
          about="The current value stays in any case"
        />
        <Days
          path="retention.expired_days"
          label="Keep expired whitelist entries"
          about="That closed without provisioning"
        />
      </SimpleGrid>
    </Section>
  );
}

interface DaysProps {
  readonly path: 'retention.events_days' | 'retention.history_days' | 'retention.expired_days';
  readonly label: string;
  readonly about: string;
}

function Days({ path, label, about }: DaysProps) {
  const { set, ...field } = useField(path);
  return (
    <NumberField
      {...field}
      label={label}
      description={about}
      unit={field.value === 0 ? 'forever' : 'days'}
      onChange={set}
    />
  );
}

export function Limits() {
  const { set, ...field } = useField('limits.requests_per_minute');
  const { set: setBytes, ...bytes } = useField('content.device_upload_bytes');
  const { set: setTotal, ...total } = useField('content.device_upload_total_bytes');
  return (
    <Section id="limits">
      <Stack>
        <NumberField
          {...field}
          label="Requests per minute"
          description="Of each device; more than that gets 429 until the next minute. 0 means no limit."
          unit={field.value === 0 ? 'no limit' : 'per device'}
          maw={480}
          onChange={set}
        />
        <Toggle
          path="content.device_upload"
          label="Let devices send files"
          about="They show under Content, by the identity of the device; at most 16 of each."
        />
        <NumberField
          {...bytes}
          label="Largest file of a device"
          description="1 to 3,145,728 bytes."
          unit="bytes"
          maw={480}
          onChange={setBytes}
        />
        <NumberField
          {...total}
          label="All files of devices together"
          description="Of this connector, in bytes. Each counts as 4,096 at least; what does not fit is refused."
          unit="bytes"
          maw={480}
          onChange={setTotal}
        />
      </Stack>
    </Section>
  );
}
