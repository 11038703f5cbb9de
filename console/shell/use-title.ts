/** Names the page in the browser's tab, list of tabs and history. */
import { useDocumentTitle } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useParams, useRouterState } from '@tanstack/react-router';
import { connectorQuery } from '../api/queries.ts';
import { titleOf } from './title.ts';

/** `signedIn` is undefined until the server has said. */
export function useTitle(signedIn: boolean | undefined): void {
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const { connector, identity } = useParams({ strict: false });
  const { data } = useQuery({
    ...connectorQuery(connector ?? ''),
    enabled: connector !== undefined && signedIn === true,
  });
  useDocumentTitle(
    signedIn === false ? titleOf({ path: '/sign-in' }) : titleOf({ path, connector: data?.name, identity }),
  );
}
