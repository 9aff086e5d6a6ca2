import './log.css'
import type { OutputEnd, OutputSource } from '@jobyard/client'
import { useEffect, useMemo, useState, useSyncExternalStore } from 'react'
import { Notice, Problem } from '../parts/problem.tsx'
import { saySize } from '../words/amounts.ts'
import { followOutput } from './follow.ts'
import { LogLines } from './lines.ts'
import { LogView } from './log-view.tsx'
import { LogSearch } from './search.ts'
import { LogToolbar } from './toolbar.tsx'

/** What is known of an output besides its lines. */
interface Progress {
  readonly connected: boolean
  readonly skipped: number
  readonly end?: OutputEnd
  readonly error?: unknown
}

interface OutputProps {
  readonly run: string
  /** The one attempt to show; absent: the latest, and what follows it. */
  readonly attempt: number | undefined
  /** Where the whole of it is to be had. */
  readonly download: string
  readonly fileName: string
}

/** The output of a run as it comes, with what helps to read it. */
export function Output({ run, attempt, download, fileName }: OutputProps) {
  const { log, progress } = useOutput(run, attempt)
  const [following, setFollowing] = useState(true)
  const [withTime, setWithTime] = useState(false)
  const [wrap, setWrap] = useState(false)
  const [term, setTerm] = useState('')
  const [place, setPlace] = useState(0)
  const search = useMemo(() => new LogSearch(log, term), [log, term])
  useSyncExternalStore(log.listen, log.version)
  const found = search.find()
  const current = found[Math.min(place, found.length - 1)]
  const find = (text: string): void => {
    setTerm(text)
    setPlace(0)
    if (text !== '') setFollowing(false)
  }
  const go = (step: number): void => {
    setFollowing(false)
    setPlace((before) =>
      found.length === 0 ? 0 : (Math.min(before, found.length - 1) + step + found.length) % found.length,
    )
  }
  return (
    <div className="output">
      <LogToolbar
        lines={log.first + log.lines.length}
        live={progress.end === undefined && progress.error === undefined}
        connected={progress.connected}
        search={{
          term,
          found: found.length,
          place: found.length === 0 ? 0 : Math.min(place, found.length - 1) + 1,
          find,
          go,
        }}
        withTime={withTime}
        onTime={setWithTime}
        wrap={wrap}
        onWrap={setWrap}
        following={following}
        onFollowing={setFollowing}
        download={download}
        fileName={fileName}
      />
      <Remarks progress={progress} first={log.first} />
      {log.lines.length === 0 && (
        <p className="nothing">{progress.end === undefined ? 'Nothing was printed yet.' : 'Nothing was printed.'}</p>
      )}
      <LogView
        log={log}
        withTime={withTime}
        wrap={wrap}
        term={search.term}
        current={following ? undefined : current}
        following={following}
        onFollowing={setFollowing}
      />
    </div>
  )
}

function Remarks({ progress: { skipped, error, end }, first }: { progress: Progress; first: number }) {
  const dropped = typeof end?.dropped === 'number' ? end.dropped : 0
  return (
    <>
      {error !== undefined && <Problem error={error} />}
      {skipped > 0 && (
        <Notice tone="quiet">The first {saySize(skipped)} are not shown here; the download has them.</Notice>
      )}
      {first > 0 && (
        <Notice tone="quiet">The oldest lines are not shown here any longer; the download has them.</Notice>
      )}
      {dropped > 0 && (
        <Notice tone="wait">{saySize(dropped)} were more than the job may print, and were not kept.</Notice>
      )}
    </>
  )
}

/** Follows an output for as long as it is looked at. */
function useOutput(run: string, attempt: number | undefined) {
  const log = useMemo(() => {
    void [run, attempt]
    return new LogLines()
  }, [run, attempt])
  const [progress, setProgress] = useState<Progress>({ connected: true, skipped: 0 })
  useEffect(() => {
    const gone = new AbortController()
    const source: OutputSource = attempt === undefined ? run : { run, attempt }
    const change = (part: Partial<Progress>): void => {
      if (!gone.signal.aborted) setProgress((before) => ({ ...before, ...part }))
    }
    setProgress({ connected: true, skipped: 0 })
    followOutput(source, log, {
      signal: gone.signal,
      onSkip: (skipped) => change({ skipped }),
      onConnection: (connected) => change({ connected }),
    }).then(
      (end) => change({ end }),
      (error: unknown) => change({ error }),
    )
    return () => gone.abort()
  }, [run, attempt, log])
  return { log, progress }
}
