/** Where a text stops being JSON, and what is wrong there. */
export interface JsonFault {
  /** Offset in UTF-16 units; the text's length when it ends too early. */
  readonly position: number
  /** What is wrong, as the rest of a sentence. It shows nothing of the text, which may hold secrets. */
  readonly text: string
}

/**
 * Finds where a text breaks the grammar of JSON (RFC 8259 §2); undefined where it does not. It calls itself for every object
 * and list within another, so their depth must have been bounded before.
 */
export function findJsonFault(text: string): JsonFault | undefined {
  const scan = new Scan(text)
  try {
    scan.readWhole()
    return undefined
  } catch (error) {
    if (error instanceof Stop) return error.fault
    throw error
  }
}

/** Ends a scan from within. */
class Stop extends Error {
  readonly fault: JsonFault

  constructor(fault: JsonFault) {
    super(fault.text)
    this.fault = fault
  }
}

const BLANKS = /[ \t\r\n]*/y
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const WORD = /true|false|null/y
/** What ends a plain stretch of a text: its closing sign, an escape sequence, or what must not stand in it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const SPECIAL = /["\\\x00-\x1f]/g
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y

class Scan {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  readWhole(): void {
    this.#readValue()
    if (this.#peek() !== '') this.#stop('nothing more is expected')
  }

  #readValue(): void {
    const first = this.#peek()
    if (first === '{') this.#readList('}', () => this.#readMember())
    else if (first === '[') this.#readList(']', () => this.#readValue())
    else if (first === '"') this.#readText()
    else if (!this.#take(NUMBER) && !this.#take(WORD)) this.#stop('a value is expected')
  }

  #readMember(): void {
    if (this.#peek() !== '"') this.#stop('a name in double quotes is expected')
    this.#readText()
    if (this.#peek() !== ':') this.#stop('":" is expected')
    this.#at++
    this.#readValue()
  }

  #readList(closing: string, readElement: () => void): void {
    this.#at++
    if (this.#peek() !== closing) readElement()
    while (this.#peek() !== closing) {
      if (this.#peek() !== ',') this.#stop(`"," or "${closing}" is expected`)
      this.#at++
      readElement()
    }
    this.#at++
  }

  #readText(): void {
    this.#at++
    let sign = this.#nextSpecial()
    // Not with one pattern: over a long text its repetitions would be more than there is stack for.
    while (this.#take(ESCAPE)) sign = this.#nextSpecial()
    if (sign === '\\') this.#stop('an escape sequence is expected')
    if (sign !== '"') this.#stop('a text must not hold line ends and other control characters')
    this.#at++
  }

  /** Goes to what may end the text; that character, empty at the end. */
  #nextSpecial(): string {
    SPECIAL.lastIndex = this.#at
    this.#at = SPECIAL.exec(this.#text)?.index ?? this.#text.length
    return this.#text.charAt(this.#at)
  }

  /** The next character that is no blank; empty at the end. */
  #peek(): string {
    this.#take(BLANKS)
    return this.#text.charAt(this.#at)
  }

  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at
    if (!pattern.test(this.#text)) return false
    this.#at = pattern.lastIndex
    return true
  }

  #stop(expected: string): never {
    const ends = this.#at >= this.#text.length
    throw new Stop({ position: this.#at, text: ends ? 'it ends too early' : expected })
  }
}
