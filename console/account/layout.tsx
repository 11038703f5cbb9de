/** What the pages of accounts share: the tabs, of which an admin of everything has more. */
import { Stack, Tabs, Title } from '@mantine/core';
import { Outlet, useRouterState } from '@tanstack/react-router';
import { useManages } from '../api/role.ts';
import { TabLink } from '../parts/tab-link.tsx';
import classes from '../parts/tabs.module.css';
import { useCurrentInSight } from '../parts/use-current-in-sight.ts';
import { installationPages } from './pages.ts';

const tabs = [{ value: 'own', label: 'Your account', to: '/account' }, ...installationPages] as const;

export function AccountLayout() {
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const current = path.split('/')[2] || 'own';
  const list = useCurrentInSight(current);
  const manages = useManages();
  return (
    <Stack gap="md">
      <Title order={1} size="h2">
        Account
      </Title>
      <Tabs value={current} keepMounted={false}>
        {manages && (
          <Tabs.List ref={list} className={classes.tabs}>
            {tabs.map(({ value, label, to }) => (
              <TabLink key={value} value={value} to={to}>
                {label}
              </TabLink>
            ))}
          </Tabs.List>
        )}
        {manages ? (
          <Tabs.Panel value={current} pt="md">
            <Outlet />
          </Tabs.Panel>
        ) : (
          <Outlet />
        )}
      </Tabs>
    </Stack>
  );
}
