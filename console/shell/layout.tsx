/** What is around every page: the header, the state of the connection, and the way in for those who are not signed in. */
import { AppShell, Container } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Outlet, useRouterState } from '@tanstack/react-router';
import { meQuery } from '../api/queries.ts';
import { useServerStatus } from '../api/status.ts';
import { PageFailure } from '../parts/page-failure.tsx';
import { ProofDialog } from '../proof/dialog.tsx';
import { SignInPage } from '../sign-in/page.tsx';
import { PasswordPage } from '../sign-in/password-page.tsx';
import { SessionEnded } from '../sign-in/session-ended.tsx';
import { ConnectionLost } from './connection-lost.tsx';
import { Header } from './header.tsx';
import { useTitle } from './use-title.ts';

export function Layout() {
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const { data: me, error, refetch } = useQuery(meQuery);
  const { sessionEnded } = useServerStatus();
  useTitle(me === undefined ? undefined : me !== null);
  // Whoever has a link to set a password need not be signed in, and may be as somebody else.
  if (path === '/password') return <PasswordPage />;
  if (me === undefined) return error === null ? null : <NoServer error={error} onBack={() => void refetch()} />;
  if (me === null) return <SignInPage />;
  return (
    <AppShell header={{ height: 56 }} padding={0}>
      <a className="skip-link" href="#main">
        Skip to the content
      </a>
      <Header me={me} />
      <AppShell.Main id="main" tabIndex={-1}>
        <ConnectionLost />
        <Container size="xl" py="md" px={{ base: 'sm', sm: 'md' }}>
          <Outlet />
        </Container>
      </AppShell.Main>
      <ProofDialog me={me} />
      {sessionEnded && <SessionEnded email={me.email} />}
    </AppShell>
  );
}

function NoServer({ error, onBack }: { readonly error: unknown; readonly onBack: () => void }) {
  return (
    <>
      <ConnectionLost onBack={onBack} top={0} />
      <PageFailure error={error} />
    </>
  );
}
