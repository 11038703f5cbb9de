/** Connector › Content: files for devices and of devices, whom they are offered to, how their rollouts fare. */
import { Button, Group, Paper, SegmentedControl, Skeleton, Stack, Title } from '@mantine/core';
import { IconFiles, IconUpload } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useMay } from '../api/role.ts';
import { Empty } from '../parts/empty.tsx';
import { Failure } from '../parts/failure.tsx';
import { DeleteFile } from './delete.tsx';
import { FileDialog } from './file-dialog.tsx';
import { filesQuery } from './queries.ts';
import type { ContentSearch } from './search.ts';
import { FileTable } from './table.tsx';
import { UploadDialog } from './upload-dialog.tsx';

const route = '/connectors/$connector/content';

export function ContentPage() {
  const { connector } = useParams({ from: route });
  const { by, dialog, file } = useSearch({ from: route });
  const navigate = useNavigate({ from: route });
  const mayChange = useMay('operator');
  const whose = by ?? 'people';
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(
    filesQuery(connector, whose),
  );
  const change = (given: Partial<ContentSearch>) =>
    void navigate({ search: (now) => ({ ...now, ...given }), resetScroll: false });
  const close = () => change({ dialog: undefined, file: undefined });
  const files = data?.pages.flatMap(({ content }) => content);
  const upload = mayChange && (
    <Button leftSection={<IconUpload size={16} aria-hidden />} onClick={() => change({ dialog: 'upload' })}>
      Upload a file
    </Button>
  );
  return (
    <Stack gap="md">
      <Group justify="space-between" gap="xs">
        <Title order={2} size="h4">
          Content
        </Title>
        {files !== undefined && (files.length > 0 || whose === 'devices') && upload}
      </Group>
      <SegmentedControl
        aria-label="Whose files"
        w="fit-content"
        maw="100%"
        data={[
          { value: 'people', label: 'For devices' },
          { value: 'devices', label: 'From devices' },
        ]}
        value={whose}
        onChange={(value) => change({ by: value === 'devices' ? 'devices' : undefined })}
      />
      {error && !data && <Failure error={error} onRetry={() => void refetch()} />}
      {!error && !data && <Waiting />}
      {files !== undefined && (
        <Paper withBorder className="card">
          {files.length === 0 ? (
            <NoFile whose={whose} action={upload} />
          ) : (
            <FileTable files={files} onOpen={(id) => change({ dialog: 'file', file: id })} />
          )}
          {hasNextPage && (
            <Group justify="center" p="sm">
              <Button variant="default" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
                Show more
              </Button>
            </Group>
          )}
        </Paper>
      )}
      {dialog === 'upload' && mayChange && <UploadDialog connector={connector} onClose={close} />}
      {dialog === 'file' && file !== undefined && (
        <FileDialog
          key={file}
          connector={connector}
          id={file}
          mayChange={mayChange}
          onDelete={() => change({ dialog: 'delete' })}
          onClose={close}
        />
      )}
      {dialog === 'delete' && file !== undefined && mayChange && (
        <DeleteFile connector={connector} id={file} onClose={close} />
      )}
    </Stack>
  );
}

interface NoFileProps {
  readonly whose: 'people' | 'devices';
  readonly action: ReactNode;
}

function NoFile({ whose, action }: NoFileProps) {
  if (whose === 'devices') {
    return (
      <Empty icon={<IconFiles size={28} />} title="No device has sent a file">
        Devices may send files where the settings allow it, under Limits.
      </Empty>
    );
  }
  return (
    <Empty icon={<IconFiles size={28} />} title="No file yet" action={action}>
      Firmware or configuration that devices fetch: all of them, those with a tag, or those of a batch; at once, or to a
      growing share.
    </Empty>
  );
}

function Waiting() {
  return (
    <Stack gap={10} aria-busy role="status" aria-label="Loading">
      {['a', 'b', 'c', 'd'].map((key) => (
        <Skeleton key={key} height={36} radius="sm" />
      ))}
    </Stack>
  );
}
