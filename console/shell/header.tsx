/** The line on top of every page: where one is, light or dark, and who is signed in. */
import {
  ActionIcon,
  AppShell,
  Button,
  Group,
  Menu,
  Text,
  Tooltip,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { IconApi, IconLogout, IconMoon, IconSettings, IconSun, IconUser } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { installationPages } from '../account/pages.ts';
import { api, unwrap } from '../api/client.ts';
import { meQuery } from '../api/queries.ts';
import { useManages } from '../api/role.ts';
import type { Me } from '../api/types.ts';
import { TextLink } from '../parts/link.tsx';
import { Logo } from './logo.tsx';

export function Header({ me }: { readonly me: Me }) {
  const pages = useManages() ? installationPages : [];
  return (
    <AppShell.Header>
      <Group h="100%" px="md" justify="space-between" wrap="nowrap" gap="xs">
        <Group gap="md" wrap="nowrap">
          <TextLink to="/" underline="never" c="inherit">
            <Group gap="xs" wrap="nowrap">
              <Logo />
              <Text fw={700} size="lg" visibleFrom="xs">
                Slipway
              </Text>
              <span className="visually-hidden">Slipway, to the list of connectors</span>
            </Group>
          </TextLink>
          <Group component="nav" aria-label="Slipway" gap="md" wrap="nowrap">
            <TextLink to="/" c="inherit" size="sm">
              Solutions
            </TextLink>
            {pages.map(({ label, to }) => (
              <TextLink key={to} to={to} c="inherit" size="sm" visibleFrom="md">
                {label}
              </TextLink>
            ))}
          </Group>
        </Group>
        <Group gap="xs" wrap="nowrap">
          <ColorSchemeButton />
          <AccountMenu me={me} pages={pages} />
        </Group>
      </Group>
    </AppShell.Header>
  );
}

function ColorSchemeButton() {
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme('light') === 'dark';
  const label = dark ? 'Use light colours' : 'Use dark colours';
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size="lg"
        aria-label={label}
        onClick={() => setColorScheme(dark ? 'light' : 'dark')}
      >
        {dark ? <IconSun size={18} aria-hidden /> : <IconMoon size={18} aria-hidden />}
      </ActionIcon>
    </Tooltip>
  );
}

interface AccountMenuProps {
  readonly me: Me;
  /** For screens that have no room for them above. */
  readonly pages: readonly (typeof installationPages)[number][];
}

function AccountMenu({ me, pages }: AccountMenuProps) {
  const client = useQueryClient();
  const signOut = useMutation({
    mutationFn: () => unwrap(api.DELETE('/api:1/session')),
    onSuccess: async () => {
      // Nothing of this account may stay in the memory of the page.
      client.clear();
      await client.resetQueries({ queryKey: meQuery.queryKey });
      window.location.assign('/');
    },
  });
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <Button
          variant="subtle"
          color="gray"
          size="compact-md"
          leftSection={<IconUser size={16} aria-hidden />}
          maw={{ base: 150, xs: 240 }}
        >
          <Text span inherit truncate>
            {me.email}
          </Text>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {me.email}, {me.role}
        </Menu.Label>
        <Menu.Item component={Link} to="/account" leftSection={<IconUser size={16} aria-hidden />}>
          Account
        </Menu.Item>
        {pages.map(({ label, to }) => (
          <Menu.Item
            key={to}
            component={Link}
            to={to}
            hiddenFrom="md"
            leftSection={<IconSettings size={16} aria-hidden />}
          >
            {label}
          </Menu.Item>
        ))}
        <Menu.Item component="a" href="/api/docs" leftSection={<IconApi size={16} aria-hidden />}>
          API documentation
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => signOut.mutate()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
