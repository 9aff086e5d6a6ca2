import { memo, type ReactNode } from 'react'
import { type Look, readAnsi, type Span } from './ansi.ts'
import type { Line } from './lines.ts'

/** More characters of one line than these are not drawn. */
const MOST_DRAWN = 20_000

interface LineViewProps {
  readonly line: Line
  readonly number: number
  readonly withTime: boolean
  /** In lower case; marked wherever it stands. */
  readonly term: string
  readonly current: boolean
}

/** A line of output in its colours. */
export const LineView = memo(function LineView({ line, number, withTime, term, current }: LineViewProps) {
  const { stream, time, text, start } = line
  const rest = text.length - MOST_DRAWN
  const { spans } = readAnsi(rest > 0 ? text.slice(0, MOST_DRAWN) : text, start)
  return (
    <div className="line" data-stream={stream} data-current={current || undefined}>
      <span className="line-number" aria-hidden>
        {number}
      </span>
      {withTime && <time dateTime={time}>{time.slice(11, 23)}</time>}
      <span className="line-text">
        {marked(spans, term)}
        {rest > 0 && <em> … {rest} more characters: download the output to see them</em>}
      </span>
    </div>
  )
})

function marked(spans: readonly Span[], term: string): ReactNode {
  const pieces = term === '' ? spans.map((span) => ({ ...span, hit: false })) : cutAt(spans, term)
  // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a line have no names, and the line is drawn as a whole.
  return pieces.map(({ text, look, hit }, index) => <Piece key={index} text={text} look={look} hit={hit} />)
}

/** The spans cut where the term begins and ends, even if it goes over several of them. */
function cutAt(spans: readonly Span[], term: string): { text: string; look: Look; hit: boolean }[] {
  const whole = spans.map(({ text }) => text).join('')
  const lower = whole.toLowerCase()
  const marks = new Uint8Array(whole.length)
  for (let at = lower.indexOf(term); at >= 0; at = lower.indexOf(term, at + term.length))
    marks.fill(1, at, at + term.length)
  let offset = 0
  return spans.flatMap(({ text, look }) => {
    const pieces: { text: string; look: Look; hit: boolean }[] = []
    let from = 0
    for (let at = 1; at <= text.length; at++) {
      if (at < text.length && marks[offset + at] === marks[offset + from]) continue
      pieces.push({ text: text.slice(from, at), look, hit: marks[offset + from] === 1 })
      from = at
    }
    offset += text.length
    return pieces
  })
}

function Piece({ text, look, hit }: { text: string; look: Look; hit: boolean }) {
  if (hit) return <mark>{text}</mark>
  if (Object.keys(look).length === 0) return text
  const { bold, dim, italic, underline, inverse } = look
  const [ink, ground] = inverse === true ? [look.ground ?? 'ground', look.ink ?? 'ink'] : [look.ink, look.ground]
  const style = {
    ...(ink === undefined ? {} : { color: colourOf(ink) }),
    ...(ground === undefined ? {} : { backgroundColor: colourOf(ground) }),
    ...(bold === true ? { fontWeight: 700 } : {}),
    ...(dim === true ? { opacity: 0.75 } : {}),
    ...(italic === true ? { fontStyle: 'italic' } : {}),
    ...(underline === true ? { textDecoration: 'underline' } : {}),
  }
  return <span style={style}>{text}</span>
}

function colourOf(name: string): string {
  return name.startsWith('#') ? name : `var(--ansi-${name})`
}
