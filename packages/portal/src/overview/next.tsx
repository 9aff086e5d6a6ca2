import type { Job } from '@jobyard/client'
import { Link } from '@tanstack/react-router'
import { jobLink } from '../app/links.ts'
import { Loading, Section } from '../parts/page.tsx'
import { When } from '../parts/time.tsx'
import { sayTime } from '../words/amounts.ts'

/** The most that is listed. */
const MOST = 8

/** What falls due next. */
export function Next({ jobs }: { jobs: readonly Job[] | undefined }) {
  const due = (jobs ?? [])
    .flatMap(({ id, name, nextDue, enabled }) => (enabled && nextDue !== null ? [{ id, name, nextDue }] : []))
    .sort((a, b) => Number(a.nextDue > b.nextDue) - Number(a.nextDue < b.nextDue))
    .slice(0, MOST)
  return (
    <Section title="Next">
      {jobs === undefined && <Loading rows={3} />}
      {jobs !== undefined && due.length === 0 && <p className="nothing">Nothing is scheduled.</p>}
      <ul className="items">
        {due.map(({ id, name, nextDue }) => (
          <li key={id}>
            <div>
              <Link {...jobLink({ id })}>{name}</Link>
              <p className="quiet num">{sayTime(nextDue)}</p>
            </div>
            <When at={nextDue} />
          </li>
        ))}
      </ul>
    </Section>
  )
}
