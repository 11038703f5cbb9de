/** The tags of a device on one line, each a button that filters by it; those without room stand behind a number. */
import { Popover, Stack, UnstyledButton } from '@mantine/core';
import type { Identity } from '../api/types.ts';
import classes from './devices.module.css';
import { tagFilter } from './filter.ts';

interface Props {
  readonly device: Identity;
  readonly onTag: (tag: string) => void;
}

/** Two have room beside each other; of more one is shown, so that its value can be read. */
const shownOf = (count: number) => (count <= 2 ? count : 1);

export function TagList({ device, onTag }: Props) {
  const tags = Object.entries(device.tags).flatMap(([name, values]) => values.map((value) => ({ name, value })));
  const buttons = (some: typeof tags) =>
    some.map(({ name, value }) => <Tag key={`${name}:${value}`} name={name} value={value} onTag={onTag} />);
  const shown = shownOf(tags.length);
  if (tags.length === shown) return <div className={classes.tags}>{buttons(tags)}</div>;
  return (
    <div className={classes.tags}>
      {buttons(tags.slice(0, shown))}
      <Popover position="bottom-end" width={320} shadow="md" trapFocus>
        <Popover.Target>
          <UnstyledButton
            className={`${classes.tag} ${classes.more}`}
            aria-label={`+${tags.length - shown}: all ${tags.length} tags of ${device.identity}`}
          >
            +{tags.length - shown}
          </UnstyledButton>
        </Popover.Target>
        <Popover.Dropdown mah={320} style={{ overflowY: 'auto' }} aria-label={`Tags of ${device.identity}`}>
          <Stack gap={6} align="flex-start" maw="100%">
            {buttons(tags)}
          </Stack>
        </Popover.Dropdown>
      </Popover>
    </div>
  );
}

interface TagProps {
  readonly name: string;
  readonly value: string;
  readonly onTag: Props['onTag'];
}

function Tag({ name, value, onTag }: TagProps) {
  const tag = tagFilter(name, value);
  const text = value === '' ? name : `${name}: ${value}`;
  if (tag === null) {
    return (
      <span className={classes.tag} title={text}>
        {text}
      </span>
    );
  }
  return (
    <button type="button" className={classes.tag} title={`Devices with ${text}`} onClick={() => onTag(tag)}>
      {text}
    </button>
  );
}
