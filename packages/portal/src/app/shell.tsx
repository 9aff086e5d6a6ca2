import { ActionIcon, Burger, Menu, Tooltip, UnstyledButton, useMantineColorScheme } from '@mantine/core'
import { IconBook, IconDeviceDesktop, IconLogout, IconMoon, IconSelector, IconSun } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { useAct } from './act.ts'
import { jobyard } from './client.ts'
import { followServer, useConnection } from './live.ts'
import { mayActAs } from './may.ts'
import { meQuery, queryClient } from './queries.ts'
import { SECTIONS } from './sections.ts'

/** What is around every page: where one can go, who is signed in, whether the server can be reached. */
export function Shell() {
  const [open, setOpen] = useState(false)
  const path = useRouterState({ select: ({ location }) => location.pathname })
  // biome-ignore lint/correctness/useExhaustiveDependencies: whoever has gone somewhere has no use for the menu.
  useEffect(() => setOpen(false), [path])
  useEffect(() => {
    if (!open) return
    const close = ({ key }: KeyboardEvent): void => {
      if (key === 'Escape') setOpen(false)
    }
    addEventListener('keydown', close)
    return () => removeEventListener('keydown', close)
  }, [open])
  useEffect(() => {
    const gone = new AbortController()
    void followServer(gone.signal)
    return () => gone.abort()
  }, [])
  return (
    <div className="shell">
      <a href="#main" className="skip">
        Skip to the page
      </a>
      <header className="topbar">
        <Burger opened={open} onClick={() => setOpen(!open)} size="sm" aria-label="Navigation" aria-expanded={open} />
        <Brand />
      </header>
      <aside className="side" data-open={open || undefined}>
        <Brand />
        <Navigation />
        <div className="side-foot">
          <ConnectionState />
          <User />
        </div>
      </aside>
      <main id="main" tabIndex={-1}>
        <LostBanner />
        <Outlet />
      </main>
    </div>
  )
}

function Brand() {
  return (
    <Link to="/" className="brand">
      <img src="/icon.svg" alt="" width={22} height={22} />
      Jobyard
    </Link>
  )
}

function Navigation() {
  const { data: me } = useQuery(meQuery)
  const shown = SECTIONS.filter(({ role }) => role === undefined || (me !== undefined && mayActAs(me.role, role)))
  return (
    <nav aria-label="Main" className="nav">
      {shown.map(({ to, text, icon: Icon }) => (
        <Link key={to} to={to} activeOptions={{ exact: to === '/' }}>
          <Icon size={17} stroke={1.7} aria-hidden />
          {text}
        </Link>
      ))}
    </nav>
  )
}

const CONNECTIONS = { connecting: 'Connecting…', live: 'Live', lost: 'Connection lost' } as const

function ConnectionState() {
  const connection = useConnection()
  const tone = { connecting: 'quiet', live: 'good', lost: 'bad' }[connection]
  return (
    <span className="state connection" data-tone={tone}>
      <span className="dot" aria-hidden />
      {CONNECTIONS[connection]}
    </span>
  )
}

function LostBanner() {
  const connection = useConnection()
  return (
    <div role="status">
      {connection === 'lost' && (
        <p className="lost">The server cannot be reached. What you see may be old; it is sought again by itself.</p>
      )}
    </div>
  )
}

function User() {
  const { data: me } = useQuery(meQuery)
  const navigate = useNavigate()
  const leave = useAct({
    run: () => jobyard.sessions.close(),
    after: () => {
      queryClient.removeQueries()
      void navigate({ to: '/sign-in' })
    },
  })
  return (
    <div className="user">
      <Menu position="top-start">
        <Menu.Target>
          <UnstyledButton className="user-name">
            <span>
              <b>{me?.name}</b>
              <small>
                {me?.role}
                {me?.collection && ` in ${me.collection}`}
              </small>
            </span>
            <IconSelector size={14} aria-hidden />
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>Jobyard {me?.version}</Menu.Label>
          <Menu.Item component="a" href="/docs" target="_blank" leftSection={<IconBook size={15} />}>
            Description of the interface
          </Menu.Item>
          <Menu.Item leftSection={<IconLogout size={15} />} onClick={() => leave.mutate()}>
            Sign out
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <SchemeSwitch />
    </div>
  )
}

const SCHEMES = {
  auto: { next: 'light', icon: IconDeviceDesktop, text: 'Colours: as the system' },
  light: { next: 'dark', icon: IconSun, text: 'Colours: light' },
  dark: { next: 'auto', icon: IconMoon, text: 'Colours: dark' },
} as const

function SchemeSwitch() {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const { next, icon: Icon, text } = SCHEMES[colorScheme]
  return (
    <Tooltip label={text}>
      <ActionIcon aria-label={text} onClick={() => setColorScheme(next)}>
        <Icon size={16} />
      </ActionIcon>
    </Tooltip>
  )
}
