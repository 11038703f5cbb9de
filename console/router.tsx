/** The addresses of the console: each page, and what its address says beside the path, checked and typed. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { connectorQuery, meQuery } from './api/queries.ts';
import { queryClient } from './api/status.ts';
import { readAuditSearch } from './audit/search.ts';
import { readContentSearch } from './content/search.ts';
import { readDevicePageSearch } from './device/search.ts';
import { pageQuery, totalQuery } from './devices/queries.ts';
import { readDeviceSearch } from './devices/search.ts';
import { readLogSearch } from './logs/search.ts';
import { readOverviewSearch } from './overview/search.ts';
import { NotFound } from './parts/not-found.tsx';
import { PageFailure } from './parts/page-failure.tsx';
import { readResourceSearch } from './resources/search.ts';
import { readSettingsSearch } from './settings/search.ts';
import { Layout } from './shell/layout.tsx';

const root = createRootRoute({ component: Layout, notFoundComponent: () => <NotFound />, errorComponent: PageFailure });

const solutions = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: lazyRouteComponent(() => import('./solutions/page.tsx'), 'SolutionsPage'),
});

const accounts = createRoute({
  getParentRoute: () => root,
  path: '/account',
  component: lazyRouteComponent(() => import('./account/layout.tsx'), 'AccountLayout'),
});

const account = createRoute({
  getParentRoute: () => accounts,
  path: '/',
  component: lazyRouteComponent(() => import('./account/page.tsx'), 'AccountPage'),
});

const people = createRoute({
  getParentRoute: () => accounts,
  path: '/people',
  component: lazyRouteComponent(() => import('./people/page.tsx'), 'PeoplePage'),
});

const keys = createRoute({
  getParentRoute: () => accounts,
  path: '/keys',
  component: lazyRouteComponent(() => import('./keys/page.tsx'), 'KeysPage'),
});

const audit = createRoute({
  getParentRoute: () => accounts,
  path: '/audit',
  validateSearch: readAuditSearch,
  component: lazyRouteComponent(() => import('./audit/page.tsx'), 'AuditPage'),
});

/** The link that a first start prints (sign-in/first-link.ts). */
const welcome = createRoute({
  getParentRoute: () => root,
  path: '/welcome',
  component: lazyRouteComponent(() => import('./account/welcome.tsx'), 'WelcomePage'),
});

/** Where a one-time link leads; the layout shows it, signed in or not. */
const password = createRoute({ getParentRoute: () => root, path: '/password' });

const connector = createRoute({
  getParentRoute: () => root,
  path: '/connectors/$connector',
  component: lazyRouteComponent(() => import('./connector/layout.tsx'), 'ConnectorLayout'),
});

const connectorIndex = createRoute({
  getParentRoute: () => connector,
  path: '/',
  beforeLoad: ({ params }) => {
    throw redirect({ to: '/connectors/$connector/devices', params, replace: true });
  },
});

const devices = createRoute({
  getParentRoute: () => connector,
  path: '/devices',
  validateSearch: readDeviceSearch,
  // Asked for while the page's own code is still on its way. Before somebody has signed in there is no answer.
  loader: ({ params: { connector }, location }) => {
    if (!queryClient.getQueryData(meQuery.queryKey)) return;
    const search = readDeviceSearch(location.search);
    void queryClient.prefetchQuery(connectorQuery(connector));
    void queryClient.prefetchQuery(pageQuery(connector, search));
    void queryClient.prefetchQuery(totalQuery(connector, search));
  },
  // A page that is open asks for what it needs itself.
  shouldReload: ({ cause }) => cause !== 'stay',
  component: lazyRouteComponent(() => import('./devices/page.tsx'), 'DevicesPage'),
});

const device = createRoute({
  getParentRoute: () => connector,
  path: '/devices/$identity',
  validateSearch: readDevicePageSearch,
  component: lazyRouteComponent(() => import('./device/page.tsx'), 'DevicePage'),
});

const logs = createRoute({
  getParentRoute: () => connector,
  path: '/logs',
  validateSearch: readLogSearch,
  component: lazyRouteComponent(() => import('./logs/page.tsx'), 'LogsPage'),
});

const resources = createRoute({
  getParentRoute: () => connector,
  path: '/resources',
  validateSearch: readResourceSearch,
  component: lazyRouteComponent(() => import('./resources/page.tsx'), 'ResourcesPage'),
});

const content = createRoute({
  getParentRoute: () => connector,
  path: '/content',
  validateSearch: readContentSearch,
  component: lazyRouteComponent(() => import('./content/page.tsx'), 'ContentPage'),
});

const settings = createRoute({
  getParentRoute: () => connector,
  path: '/settings',
  validateSearch: readSettingsSearch,
  component: lazyRouteComponent(() => import('./settings/page.tsx'), 'SettingsPage'),
});

const overview = createRoute({
  getParentRoute: () => connector,
  path: '/overview',
  validateSearch: readOverviewSearch,
  component: lazyRouteComponent(() => import('./overview/page.tsx'), 'OverviewPage'),
});

const webhooks = createRoute({
  getParentRoute: () => connector,
  path: '/webhooks',
  component: lazyRouteComponent(() => import('./webhooks/page.tsx'), 'WebhooksPage'),
});

export const router = createRouter({
  routeTree: root.addChildren([
    solutions,
    accounts.addChildren([account, people, keys, audit]),
    welcome,
    password,
    connector.addChildren([connectorIndex, devices, device, logs, resources, content, settings, overview, webhooks]),
  ]),
  defaultPreload: 'intent',
  defaultPendingMs: 200,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
