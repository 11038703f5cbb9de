/** Forth and back through the pages. The total is a question of its own, and may come later or not at all. */
import { Button, Group, Text } from '@mantine/core';
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { firstPage, formatNumber, nextPage, pageNumber, previousPage, rangeOf } from './paging.ts';
import type { DeviceSearch } from './search.ts';

interface Props {
  readonly search: DeviceSearch;
  readonly shown: number;
  readonly total: number | undefined;
  /** Of the next page; null on the last one. */
  readonly cursor: string | null;
  readonly onGo: (search: DeviceSearch) => void;
}

export function Pager({ search, shown, total, cursor, onGo }: Props) {
  const page = pageNumber(search);
  if (page === 1 && cursor === null) return null;
  const previous = previousPage(search);
  return (
    <Group component="nav" aria-label="Pages" justify="space-between" gap="xs" p="xs">
      <Text size="sm" c="dimmed">
        {shown > 0 && rangeOf(search, shown)}
        {shown > 0 && total !== undefined && ` of ${formatNumber(total)}`}
      </Text>
      <Group gap="xs">
        {page > 2 && (
          <Button size="xs" variant="default" onClick={() => onGo(firstPage(search))}>
            First page
          </Button>
        )}
        <Button
          size="xs"
          variant="default"
          disabled={previous === null}
          leftSection={<IconChevronLeft size={14} aria-hidden />}
          onClick={() => previous !== null && onGo(previous)}
        >
          Previous
        </Button>
        <Button
          size="xs"
          variant="default"
          disabled={cursor === null}
          rightSection={<IconChevronRight size={14} aria-hidden />}
          onClick={() => cursor !== null && onGo(nextPage(search, cursor))}
        >
          Next
        </Button>
      </Group>
    </Group>
  );
}
