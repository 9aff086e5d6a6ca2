import type { Role } from '@jobyard/client'
import { IconAdjustments, IconLayoutDashboard, IconTerminal2, IconWebhook } from '@tabler/icons-react'

/** A part of the portal. */
interface SectionOfPortal {
  readonly to: '/' | '/webjobs' | '/app-settings' | '/web-hooks'
  readonly text: string
  readonly icon: typeof IconTerminal2
  /** Who has a use for it; absent: everybody. */
  readonly role?: Role
}

/** The parts of the portal, in the order of its navigation. Each kind of job brings one; the last are of whole collections. */
export const SECTIONS: readonly SectionOfPortal[] = [
  { to: '/', text: 'Overview', icon: IconLayoutDashboard },
  { to: '/webjobs', text: 'WebJobs', icon: IconTerminal2 },
  { to: '/app-settings', text: 'App settings', icon: IconAdjustments },
  { to: '/web-hooks', text: 'Web hooks', icon: IconWebhook, role: 'deployer' },
]
