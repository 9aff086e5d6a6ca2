import { memo, type ReactNode } from 'react'
import { type Look, readAnsi, type Span } from './ansi.ts'
import type { Line } from './line.ts'
import { cuttable, MOST_DRAWN } from './rows.ts'

interface LineViewProps {
  readonly line: Line
  readonly number: number
  /** Which row of the line this is, of so many characters; absent: the line is one row. */
  readonly part: number
  readonly columns: number | undefined
  readonly withTime: boolean
  /** In lower case; marked wherever it stands. */
  readonly term: string
  readonly current: boolean
}

/** A line of output in its colours, or a row of one that is cut. */
export const LineView = memo(function LineView(props: LineViewProps) {
  const { line, number, part, columns, withTime, term, current } = props
  const { stream, time, text, start } = line
  const { spans } = readAnsi(columns === undefined ? text.slice(0, MOST_DRAWN) : cuttable(text), start)
  const pieces = term === '' ? spans.map((span) => ({ ...span, hit: false })) : cutAt(spans, term)
  const shown = columns === undefined ? pieces : slice(pieces, part * columns, (part + 1) * columns)
  const rest = text.length - MOST_DRAWN
  const isLast =
    columns === undefined || pieces.reduce((sum, each) => sum + each.text.length, 0) <= (part + 1) * columns
  return (
    <div className="line" data-stream={stream} data-current={current || undefined} data-part={part > 0 || undefined}>
      <span className="line-number" aria-hidden>
        {part === 0 && number}
      </span>
      {withTime && <time dateTime={time}>{part === 0 ? time.slice(11, 23) : ''}</time>}
      <span className="line-text">
        {shown.map(drawn)}
        {rest > 0 && isLast && <em> … {rest} more characters: download the output to see them</em>}
      </span>
    </div>
  )
})

/** A piece of a line, and whether it is what was searched for. */
interface Piece extends Span {
  readonly hit: boolean
}

/** The spans cut where the term begins and ends, even if it goes over several of them. */
function cutAt(spans: readonly Span[], term: string): Piece[] {
  const whole = spans.map(({ text }) => text).join('')
  const lower = whole.toLowerCase()
  const marks = new Uint8Array(whole.length)
  for (let at = lower.indexOf(term); at >= 0; at = lower.indexOf(term, at + term.length)) {
    marks.fill(1, at, at + term.length)
  }
  let offset = 0
  return spans.flatMap(({ text, look }) => {
    const pieces: Piece[] = []
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

/** What of the pieces lies between two places of the line. */
function slice(pieces: readonly Piece[], from: number, to: number): Piece[] {
  let offset = 0
  return pieces.flatMap((piece) => {
    const text = piece.text.slice(Math.max(0, from - offset), Math.max(0, to - offset))
    offset += piece.text.length
    return text === '' ? [] : [{ ...piece, text }]
  })
}

function drawn({ text, look, hit }: Piece, index: number): ReactNode {
  // The pieces of a line have no names, and the line is drawn as a whole.
  if (hit) return <mark key={index}>{text}</mark>
  if (Object.keys(look).length === 0) return text
  return (
    <span key={index} style={styleOf(look)}>
      {text}
    </span>
  )
}

function styleOf({ ink, ground, bold, dim, italic, underline, inverse }: Look): React.CSSProperties {
  const [front, back] = inverse === true ? [ground ?? 'ground', ink ?? 'ink'] : [ink, ground]
  return {
    ...(front === undefined ? {} : { color: colourOf(front) }),
    ...(back === undefined ? {} : { backgroundColor: colourOf(back) }),
    ...(bold === true ? { fontWeight: 700 } : {}),
    ...(dim === true ? { opacity: 0.75 } : {}),
    ...(italic === true ? { fontStyle: 'italic' } : {}),
    ...(underline === true ? { textDecoration: 'underline' } : {}),
  }
}

function colourOf(name: string): string {
  return name.startsWith('#') ? name : `var(--ansi-${name})`
}
