import { useSyncExternalStore } from 'react'

/** The one place of the portal that asks for the time, epoch milliseconds. */
export function now(): number {
  return Date.now()
}

const listeners = new Set<() => void>()
let second = now()
let timer: ReturnType<typeof setInterval> | undefined

function listen(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= setInterval(tick, 1000)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

function tick(): void {
  second = now()
  for (const listener of listeners) listener()
}

/** The time, epoch milliseconds; what uses it is drawn again each second. */
export function useNow(): number {
  return useSyncExternalStore(listen, () => second)
}
