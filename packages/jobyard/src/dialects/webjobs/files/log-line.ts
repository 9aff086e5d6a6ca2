import { shortId, shortName } from '../../../domain/instance-name.ts'
import type { LogFacts, Stream } from '../../../store/output/contract.ts'

/** How grave a line is; each takes four characters. */
export type Level = 'INFO' | 'WARN' | 'ERR '

/** A line of the engine's own. */
export interface OwnLine {
  /** Epoch milliseconds. */
  readonly time: number
  readonly text: string
  /** Default: INFO. */
  readonly level?: Level
  /** True: as if the job had printed it. */
  readonly ofJob?: boolean
  /** What the instance is called that says it. Default: whoever writes the log knows. */
  readonly called?: string
}

/** What marks a line as the engine's own. */
const OWN = 'SYS '

const END = '\r\n'

/** What a line of a job's output has on top of its bytes, but for the instance: `[MM/dd/yyyy HH:mm:ss > ID: LEVL] ` and its end. */
const FRAME_BYTES = '[00/00/0000 00:00:00 > : INFO] \r\n'.length

/** How the lines of one instance are written. */
export class LineForm {
  /** What the instance is called. */
  readonly id: string
  readonly #prefixes = new Map<string, { readonly second: number; readonly bytes: Buffer }>()
  /** Bytes that a line of output takes beyond its own. */
  readonly perLine: number
  /** Bytes that a line of the engine takes beyond those. */
  readonly perOwnLine = OWN.length

  constructor(id: string) {
    this.id = id
    this.perLine = FRAME_BYTES + Buffer.byteLength(id)
  }

  /** What stands before a line of a stream. */
  prefixOf(stream: Stream, time: number): Buffer {
    const second = Math.floor(time / 1000)
    const known = this.#prefixes.get(stream)
    if (known?.second === second) return known.bytes
    const bytes = Buffer.from(this.#prefix(time, stream === 'system' ? OWN : '', levelOf(stream)))
    this.#prefixes.set(stream, { second, bytes })
    return bytes
  }

  /** A whole line of the engine. */
  show({ time, text, level = 'INFO', ofJob = false }: OwnLine): string {
    // What the engine says is one line, whatever a message from elsewhere in it holds.
    return `${this.#prefix(time, ofJob ? '' : OWN, level)}${text.replaceAll(/\s*[\r\n]+\s*/g, ' ').trim()}${END}`
  }

  #prefix(time: number, own: string, level: Level): string {
    return `[${showTime(time)} > ${this.id}: ${own}${level}] `
  }
}

/** A moment in UTC: `MM/dd/yyyy HH:mm:ss`. */
export function showTime(time: number): string {
  const text = new Date(time).toISOString()
  return `${text.slice(5, 7)}/${text.slice(8, 10)}/${text.slice(0, 4)} ${text.slice(11, 19)}`
}

/** Bytes of a line that {@link readTime} needs of its beginning. */
export const TIME_BYTES = '[00/00/0000 00:00:00'.length

/** The moment that a line begins with, epoch milliseconds. */
export function readTime(line: string): number {
  const [month = 1, day, year = 1970, hour, minute, second] = (line.match(/\d+/g) ?? []).map(Number)
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

function levelOf(stream: Stream): Level {
  if (stream === 'error') return 'ERR '
  return stream === 'warning' ? 'WARN' : 'INFO'
}

/** What the instance is called that a log's task ran on; `here`, as this one is, for a log that does not say. */
export function idOf(facts: LogFacts, here: string): string {
  if (facts.instanceId !== undefined) return shortId(facts.instanceId)
  return facts.instance === undefined ? here : shortName(facts.instance)
}
