import { IconLayoutDashboard, IconTerminal2 } from '@tabler/icons-react'

/** The parts of the portal, in the order of its navigation. Each kind of job brings one. */
export const SECTIONS = [
  { to: '/', text: 'Overview', icon: IconLayoutDashboard },
  { to: '/webjobs', text: 'WebJobs', icon: IconTerminal2 },
] as const
