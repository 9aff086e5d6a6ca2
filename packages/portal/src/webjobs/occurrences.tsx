import type { Occurrence } from '@jobyard/client'
import { When } from '../parts/time.tsx'

/** When something falls due: local time of its zone with the distance from UTC, and how far away that is. */
export function Occurrences({ items }: { items: readonly Occurrence[] }) {
  if (items.length === 0) return <p className="nothing">It never falls due.</p>
  return (
    <ol className="occurrences" aria-label="Next occurrences">
      {items.map(({ utc, local, offset }) => (
        <li key={utc}>
          <span className="num">
            {weekdayOf(local)} {local.replace('T', ' ')} <small className="quiet">{offset}</small>
          </span>
          <span className="quiet">
            <When at={utc} />
          </span>
        </li>
      ))}
    </ol>
  )
}

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

/** The local date's own day of week: the reader's zone must not come into it. */
function weekdayOf(local: string): string {
  return WEEKDAYS[new Date(`${local.slice(0, 10)}T00:00:00Z`).getUTCDay()] ?? ''
}
