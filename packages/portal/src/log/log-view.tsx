import { useCallback, useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from 'react'
import { LineView } from './line-view.tsx'
import type { LogLines } from './lines.ts'

/** Height of a line, in pixels; the style sheet says the same. */
const LINE_PX = 20
/** Lines beyond the edges that are drawn too. */
const OVERSCAN = 20
/** So near to the end counts as there, in pixels. */
const NEAR_PX = 24

interface LogViewProps {
  readonly log: LogLines
  readonly withTime: boolean
  readonly term: string
  /** Number of the line that was found and is to be in sight. */
  readonly current: number | undefined
  readonly following: boolean
  readonly onFollowing: (following: boolean) => void
}

/** The lines in sight, however many there are: all have one height, so where each lies is known without measuring. */
export function LogView({ log, withTime, term, current, following, onFollowing }: LogViewProps) {
  const scroller = useRef<HTMLDivElement>(null)
  const { top, height } = useSight(scroller, onFollowing)
  const version = useSyncExternalStore(log.listen, log.version)
  const { lines, first, longest } = log
  useStayInPlace(scroller, first, following)
  // biome-ignore lint/correctness/useExhaustiveDependencies: whatever came, the end is where it goes.
  useLayoutEffect(() => {
    const element = scroller.current
    if (following && element !== null) element.scrollTop = element.scrollHeight
  }, [following, version])
  useEffect(() => {
    const element = scroller.current
    if (current === undefined || element === null) return
    element.scrollTop = Math.max(0, (current - first) * LINE_PX - element.clientHeight / 2)
  }, [current, first])
  const from = Math.max(0, Math.floor(top / LINE_PX) - OVERSCAN)
  const to = Math.min(lines.length, Math.ceil((top + height) / LINE_PX) + OVERSCAN)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard.
    <section className="log" ref={scroller} tabIndex={0} aria-label="Output">
      <div
        style={{ height: lines.length * LINE_PX, minWidth: `${Math.min(longest, 20_000) + 24}ch` }}
        className="log-all"
      >
        <div className="log-sight" style={{ transform: `translateY(${from * LINE_PX}px)` }}>
          {lines.slice(from, to).map((line, index) => {
            const number = first + from + index
            return (
              <LineView
                key={number}
                line={line}
                number={number + 1}
                withTime={withTime}
                term={term}
                current={number === current}
              />
            )
          })}
        </div>
      </div>
    </section>
  )
}

/** Which part is in sight. Who scrolls back stops following; who scrolls to the end goes on. */
function useSight(scroller: React.RefObject<HTMLDivElement | null>, onFollowing: (following: boolean) => void) {
  const [sight, setSight] = useState({ top: 0, height: 600 })
  const last = useRef(0)
  const look = useCallback(() => {
    const element = scroller.current
    if (element === null) return
    const { scrollTop, clientHeight, scrollHeight } = element
    if (scrollTop + clientHeight >= scrollHeight - NEAR_PX) onFollowing(true)
    else if (scrollTop < last.current) onFollowing(false)
    last.current = scrollTop
    setSight({ top: scrollTop, height: clientHeight })
  }, [scroller, onFollowing])
  useEffect(() => {
    const element = scroller.current
    if (element === null) return
    element.addEventListener('scroll', look, { passive: true })
    const observer = new ResizeObserver(look)
    observer.observe(element)
    return () => {
      element.removeEventListener('scroll', look)
      observer.disconnect()
    }
  }, [scroller, look])
  return sight
}

/** When the oldest lines go, what is in sight stays in sight. */
function useStayInPlace(scroller: React.RefObject<HTMLDivElement | null>, first: number, following: boolean): void {
  const before = useRef(first)
  useLayoutEffect(() => {
    const gone = first - before.current
    before.current = first
    if (gone > 0 && !following && scroller.current !== null) scroller.current.scrollTop -= gone * LINE_PX
  }, [scroller, first, following])
}
