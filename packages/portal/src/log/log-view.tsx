import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { LineView } from './line-view.tsx'
import type { LogLines } from './lines.ts'
import { LogRows, MOST_DRAWN } from './rows.ts'

/** Height of a line, in pixels; the style sheet says the same. */
const LINE_PX = 20
/** Lines beyond the edges that are drawn too. */
const OVERSCAN = 20
/** So near to the end counts as there, in pixels. */
const NEAR_PX = 24

interface LogViewProps {
  readonly log: LogLines
  readonly withTime: boolean
  /** True: lines that are too long go on in the next row. */
  readonly wrap: boolean
  readonly term: string
  /** Number of the line that was found and is to be in sight. */
  readonly current: number | undefined
  readonly following: boolean
  readonly onFollowing: (following: boolean) => void
}

/** The lines in sight, however many there are: all have one height, so where each lies is known without measuring. */
export function LogView({ log, withTime, wrap, term, current, following, onFollowing }: LogViewProps) {
  const scroller = useRef<HTMLDivElement>(null)
  const { top, height, width } = useSight(scroller, onFollowing)
  const version = useSyncExternalStore(log.listen, log.version)
  const { lines, first, longest } = log
  const columns = wrap ? columnsOf(width, withTime) : undefined
  const rows = useMemo(() => new LogRows(log, columns), [log, columns])
  const count = rows.count()
  useStayInPlace(scroller, first, following)
  // biome-ignore lint/correctness/useExhaustiveDependencies: whatever came, the end is where it goes.
  useLayoutEffect(() => {
    const element = scroller.current
    if (following && element !== null) element.scrollTop = element.scrollHeight
  }, [following, version, count])
  useEffect(() => {
    const element = scroller.current
    if (current === undefined || element === null) return
    element.scrollTop = Math.max(0, rows.rowOf(current) * LINE_PX - element.clientHeight / 2)
  }, [current, rows])
  const from = Math.max(0, Math.floor(top / LINE_PX) - OVERSCAN)
  const to = Math.min(count, Math.ceil((top + height) / LINE_PX) + OVERSCAN)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard.
    <section className="log" ref={scroller} tabIndex={0} aria-label="Output">
      <div
        style={{ height: count * LINE_PX, ...(wrap ? {} : { minWidth: `${Math.min(longest, MOST_DRAWN) + 24}ch` }) }}
        className="log-all"
      >
        <div className="log-sight" style={{ transform: `translateY(${from * LINE_PX}px)` }}>
          {Array.from({ length: Math.max(0, to - from) }, (_, index) => {
            const { number, part } = rows.at(from + index)
            const line = lines[number - first]
            return (
              line !== undefined && (
                <LineView
                  key={`${number}.${part}`}
                  line={line}
                  number={number + 1}
                  part={part}
                  columns={columns}
                  withTime={withTime}
                  term={term}
                  current={number === current}
                />
              )
            )
          })}
        </div>
      </div>
    </section>
  )
}

/** Characters that stand before the text of a line: its number, and its time. */
const NUMBER_COLUMNS = 9
const TIME_COLUMNS = 13
/** Width of what is left free at both edges, in pixels. */
const EDGES_PX = 20
/** The fewest characters of a row. */
const FEWEST_COLUMNS = 20

/** How many characters fit into a row. */
function columnsOf(width: number, withTime: boolean): number {
  const fitting = Math.floor((width - EDGES_PX) / characterWidth())
  return Math.max(FEWEST_COLUMNS, fitting - NUMBER_COLUMNS - (withTime ? TIME_COLUMNS : 0))
}

let measured: number | undefined

/** Width of a character of the output, in pixels; all have the same. */
function characterWidth(): number {
  if (measured !== undefined) return measured
  const probe = document.createElement('span')
  probe.className = 'log-probe'
  probe.textContent = '0'.repeat(100)
  document.body.append(probe)
  measured = probe.getBoundingClientRect().width / 100
  probe.remove()
  return measured
}

/** Which part is in sight. Who scrolls back stops following; who scrolls to the end goes on. */
function useSight(scroller: React.RefObject<HTMLDivElement | null>, onFollowing: (following: boolean) => void) {
  const [sight, setSight] = useState({ top: 0, height: 600, width: 800 })
  const last = useRef(0)
  const look = useCallback(() => {
    const element = scroller.current
    if (element === null) return
    const { scrollTop, clientHeight, clientWidth, scrollHeight } = element
    if (scrollTop + clientHeight >= scrollHeight - NEAR_PX) onFollowing(true)
    else if (scrollTop < last.current) onFollowing(false)
    last.current = scrollTop
    setSight({ top: scrollTop, height: clientHeight, width: clientWidth })
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
