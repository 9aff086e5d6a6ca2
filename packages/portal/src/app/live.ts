import type { LiveEvent } from '@jobyard/client'
import { useSyncExternalStore } from 'react'
import { applyChanges } from './changes.ts'
import { jobyard } from './client.ts'
import { isSignedOut, meQuery, queryClient } from './queries.ts'

/** How the live connection to the server is. */
export type Connection = 'connecting' | 'live' | 'lost'

/** Changes of so long are told together, in milliseconds. */
const GATHER_MS = 250
/** A page that nobody sees gives its connection up after so long: a browser has few of them for all its pages. */
const HIDDEN_MS = 20_000
/** Between attempts when the server stays away for longer than the client is patient, in milliseconds. */
const PAUSE_MS = 3000

let connection: Connection = 'connecting'
const listeners = new Set<() => void>()

function tell(next: Connection): void {
  if (next === connection) return
  connection = next
  for (const listener of listeners) listener()
}

function listen(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** How the live connection is. */
export function useConnection(): Connection {
  return useSyncExternalStore(listen, () => connection)
}

let waiting: LiveEvent[] = []

function gather(event: LiveEvent): void {
  if (waiting.push(event) === 1) setTimeout(applyGathered, GATHER_MS)
}

function applyGathered(): void {
  const events = waiting
  waiting = []
  void applyChanges(events)
}

/** Follows what happens on the server, until the signal aborts. What was missed is asked for again. */
export async function followServer(signal: AbortSignal): Promise<void> {
  let after: string | undefined
  let broken = false
  while (!signal.aborted) {
    await seen(signal)
    using sight = new Sight()
    const session = AbortSignal.any([signal, sight.lost])
    const onOpen = (): void => {
      // Whatever is shown may be from before the break.
      if (broken) void queryClient.invalidateQueries()
      broken = false
      tell('live')
    }
    const onBreak = (): void => {
      broken = true
      tell('lost')
    }
    try {
      const options = { signal: session, onOpen, onBreak, ...(after === undefined ? {} : { after }) }
      for await (const event of jobyard.events.follow({}, options)) {
        after = event.id
        gather(event)
      }
    } catch (error) {
      if (session.aborted) continue
      if (isSignedOut(error)) {
        // Whoever looks at this finds out, and is led to the sign-in.
        void queryClient.invalidateQueries({ queryKey: meQuery.queryKey })
        return
      }
      onBreak()
      await pause(signal)
    }
  }
}

/** Tells when the page has not been seen for a while. */
class Sight {
  readonly #lost = new AbortController()
  #timer: ReturnType<typeof setTimeout> | undefined
  readonly #look = (): void => {
    clearTimeout(this.#timer)
    if (document.hidden) this.#timer = setTimeout(() => this.#lost.abort(), HIDDEN_MS)
  }

  constructor() {
    document.addEventListener('visibilitychange', this.#look)
  }

  /** Aborts when the page was hidden for long enough. */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    document.removeEventListener('visibilitychange', this.#look)
  }
}

/** Resolves when the page is seen, or when the signal aborts. */
async function seen(signal: AbortSignal): Promise<void> {
  if (!document.hidden) return
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (document.hidden && !signal.aborted) return
      document.removeEventListener('visibilitychange', look)
      resolve()
    }
    document.addEventListener('visibilitychange', look)
    signal.addEventListener('abort', look, { once: true })
  })
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, PAUSE_MS)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
