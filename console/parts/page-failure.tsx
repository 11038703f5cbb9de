/** Takes the place of a page that could not be drawn. */
import { Container } from '@mantine/core';
import { useRouter } from '@tanstack/react-router';
import { Failure } from './failure.tsx';

export function PageFailure({ error }: { readonly error: unknown }) {
  const router = useRouter();
  return (
    <Container py="xl">
      <Failure error={error} onRetry={() => void router.invalidate()} />
    </Container>
  );
}
