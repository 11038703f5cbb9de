/** The files of a connector: what each is, its digest, and whom it is offered to. */
import { Anchor, Badge, Group, Table, Text } from '@mantine/core';
import type { Content } from '../api/types.ts';
import { formatBytes } from '../import/review.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Ago } from '../parts/time.tsx';
import classes from './content.module.css';
import { describeOffer, describeRollout } from './words.ts';

interface Props {
  readonly files: readonly Content[];
  readonly onOpen: (id: string) => void;
}

/** Characters of a digest that are shown in a row. */
const SHOWN = 12;

export function FileTable({ files, onOpen }: Props) {
  return (
    <Table verticalSpacing={6} layout="fixed" aria-label="Files">
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">File</Table.Th>
          <Table.Th scope="col" visibleFrom="sm" w={100}>
            Size
          </Table.Th>
          <Table.Th scope="col" visibleFrom="md" w={170}>
            SHA-256
          </Table.Th>
          <Table.Th scope="col" w={160}>
            Offered to
          </Table.Th>
          <Table.Th scope="col" visibleFrom="sm" w={120}>
            Updated
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {files.map((file) => (
          <Row key={file.id} file={file} onOpen={onOpen} />
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Row({ file, onOpen }: { readonly file: Content; readonly onOpen: Props['onOpen'] }) {
  const { id, type, bytes, sha256, offer, rollout, updated, meta } = file;
  return (
    <Table.Tr>
      <Table.Th scope="row" fw={400}>
        <Anchor component="button" type="button" className={classes.id} fz="sm" onClick={() => onOpen(id)}>
          {id}
        </Anchor>
        <Text size="xs" c="dimmed" truncate title={type}>
          {meta === '' ? type : meta}
        </Text>
      </Table.Th>
      <Table.Td visibleFrom="sm">{formatBytes(bytes)}</Table.Td>
      <Table.Td visibleFrom="md">
        <Group gap={2} wrap="nowrap">
          <Text span size="sm" className="mono" title={sha256}>
            {sha256.slice(0, SHOWN)}…
          </Text>
          <CopyButton value={sha256} label={`SHA-256 of ${id}`} />
        </Group>
      </Table.Td>
      <Table.Td>
        <Text size="sm" truncate title={describeOffer(offer)}>
          {describeOffer(offer)}
        </Text>
        {rollout !== null && (
          <Badge variant="light" color={rollout.state === 'held' ? 'red' : 'indigo'} size="sm" tt="none">
            {describeRollout(rollout)}
          </Badge>
        )}
      </Table.Td>
      <Table.Td visibleFrom="sm">
        <Text size="sm">
          <Ago at={updated} />
        </Text>
      </Table.Td>
    </Table.Tr>
  );
}
