/** An event of a text/event-stream. */
export interface ServerEvent {
  /** The last id that the stream named up to here; undefined when none yet. */
  readonly id: string | undefined
  /** Default `message`. */
  readonly event: string
  readonly data: string
}

/** The most characters that one event may have, so that a server gone mad cannot fill the memory. */
const LARGEST_EVENT = 16 * 1024 * 1024

/**
 * Cuts a text/event-stream into events, as the HTML standard §9.2.6 says: lines end with LF, CR or CRLF, comments are
 * passed over, an event without data is none. What stands after the last empty line is not an event.
 */
export class EventParser {
  readonly #decoder = new TextDecoder()
  #rest = ''
  #data: string[] = []
  #size = 0
  #event = ''
  #id: string | undefined

  constructor(lastId?: string) {
    this.#id = lastId
  }

  /** The events that these bytes complete. */
  push(bytes: Uint8Array): ServerEvent[] {
    const text = this.#rest + this.#decoder.decode(bytes, { stream: true })
    const lines = text.split(/\r\n|\n|\r(?!$)/)
    this.#rest = lines.pop() ?? ''
    if (this.#rest.length > LARGEST_EVENT) throw new RangeError('a line of the event stream is too long')
    return lines.flatMap((line) => this.#take(line))
  }

  #take(line: string): ServerEvent[] {
    if (line === '') return this.#complete()
    const colon = line.indexOf(':')
    if (colon === 0) return []
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line.charAt(colon + 1) === ' ' ? colon + 2 : colon + 1)
    if (field === 'event') this.#event = value
    else if (field === 'id' && !value.includes('\0')) this.#id = value
    else if (field === 'data') this.#add(value)
    return []
  }

  #add(value: string): void {
    this.#size += value.length
    if (this.#size > LARGEST_EVENT) throw new RangeError('an event of the event stream is too long')
    this.#data.push(value)
  }

  #complete(): ServerEvent[] {
    const event = { id: this.#id, event: this.#event === '' ? 'message' : this.#event, data: this.#data.join('\n') }
    const isEvent = this.#data.length > 0
    this.#data = []
    this.#size = 0
    this.#event = ''
    return isEvent ? [event] : []
  }
}
