import type { Job } from '@jobyard/client'
import { Link } from '@tanstack/react-router'
import { jobLink } from '../app/links.ts'
import { Section } from '../parts/page.tsx'
import { JobState } from '../parts/state.tsx'
import { sayCount } from '../words/amounts.ts'

/** The most that is listed. */
const MOST = 8

/** What is wrong with a job, in a sentence; undefined when nothing is. */
export function troubleOf({ places, state, warnings }: Job): string | undefined {
  if (state === 'crash-loop') {
    const ends = Math.max(0, ...(places ?? []).map(({ quickEnds }) => quickEnds))
    return `Ends within two minutes of its start, ${sayCount(ends, 'time')} in a row.`
  }
  return warnings[0]?.message
}

/** Jobs that need somebody to look at them. */
export function Trouble({ jobs }: { jobs: readonly Job[] }) {
  const troubled = jobs
    .flatMap((job) => {
      const text = troubleOf(job)
      return text === undefined ? [] : [{ job, text }]
    })
    .sort((a, b) => Number(b.job.state === 'crash-loop') - Number(a.job.state === 'crash-loop'))
  if (troubled.length === 0) return null
  return (
    <Section title="Needs attention">
      <ul className="items">
        {troubled.slice(0, MOST).map(({ job, text }) => (
          <li key={job.id}>
            <div>
              <Link {...jobLink(job)}>{job.name}</Link>
              <p>{text}</p>
            </div>
            <JobState job={job} />
          </li>
        ))}
      </ul>
      {troubled.length > MOST && <p className="more">and {sayCount(troubled.length - MOST, 'more job')}</p>}
    </Section>
  )
}
