import type { Run } from '@jobyard/client'
import { Link } from '@tanstack/react-router'
import { runLink } from '../app/links.ts'
import { Loading, Section } from '../parts/page.tsx'
import { RunState } from '../parts/state.tsx'
import { Took } from '../parts/time.tsx'
import { sayCount } from '../words/amounts.ts'
import { explainWhy } from '../words/states.ts'

/** The most that is listed. */
const MOST = 12

/** What is going on. */
export function RunningNow({ runs }: { runs: readonly Run[] | undefined }) {
  return (
    <Section title="Running now">
      {runs === undefined && <Loading rows={3} />}
      {runs?.length === 0 && <p className="nothing">Nothing runs.</p>}
      <ul className="items">
        {runs?.slice(0, MOST).map((run) => (
          <li key={run.id}>
            <div>
              <Link {...runLink(run)}>
                {run.job.name} <span className="quiet">#{run.number}</span>
              </Link>
              <p className="quiet">{explainWhy(run)}</p>
            </div>
            <div className="item-side">
              <Took from={run.startedAt} to={run.finishedAt} />
              <RunState state={run.state} />
            </div>
          </li>
        ))}
      </ul>
      {(runs?.length ?? 0) > MOST && <p className="more">and {sayCount((runs?.length ?? 0) - MOST, 'more run')}</p>}
    </Section>
  )
}
