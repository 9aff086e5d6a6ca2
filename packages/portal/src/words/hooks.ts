import type { Hook, HookEvent } from '@jobyard/client'
import type { Saying } from './states.ts'

const EVENTS: Readonly<Record<HookEvent, string>> = {
  'run-finished': 'When a run has ended',
  deployed: 'When a job has a new package',
}

/** What a hook is called for, in words. */
export function sayEvent(event: HookEvent): string {
  return EVENTS[event]
}

/** How the last call of a hook went. */
export function sayCall(last: Hook['last']): Saying {
  if (last === null) return { tone: 'quiet', text: 'Not called yet' }
  if (last.status === null) return { tone: 'bad', text: 'No answer' }
  const text = `${last.status} ${last.reason}`.trim()
  return { tone: last.status >= 200 && last.status < 300 ? 'good' : 'bad', text }
}
