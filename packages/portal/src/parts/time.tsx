import { Tooltip } from '@mantine/core'
import { useNow } from '../app/clock.ts'
import { sayDistance, sayDuration, sayElapsed, sayExactly } from '../words/amounts.ts'

/** How far away a moment is; exactly when, on hover and focus. */
export function When({ at }: { at: string }) {
  const distance = useNow() - Date.parse(at)
  return (
    <Tooltip label={sayExactly(at)}>
      <time dateTime={at} className="num">
        {sayDistance(distance)}
      </time>
    </Tooltip>
  )
}

/** How long something took, or has been taking up to now. */
export function Took({ from, to }: { from: string | null; to: string | null }) {
  if (from === null) return <span className="quiet">–</span>
  if (to === null) return <Elapsed from={from} />
  return <span className="num">{sayDuration(Date.parse(to) - Date.parse(from))}</span>
}

function Elapsed({ from }: { from: string }) {
  return <span className="num">{sayElapsed(useNow() - Date.parse(from))}</span>
}
