/** A value of JSON. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue }

/** One member of the outermost object, and where its value stands in the text. */
export interface JsonMember {
  readonly value: JsonValue
  /** The value as it was written. */
  readonly text: string
  /** The value in strict JSON, in which numbers are written as they were. */
  readonly json: string
  /** Offset of the value, counted in UTF-16 units from 0. */
  readonly position: number
}

/** Where a text is no JSON and why. */
export class JsonFault extends Error {
  /** Offset of the first wrong character, counted in UTF-16 units from 0. */
  readonly position: number

  constructor(message: string, position: number) {
    super(message)
    this.name = 'JsonFault'
    this.position = position
  }
}

/** As deep as values may lie in one another. */
const DEEPEST = 64

/**
 * Reads a text that holds one JSON object (RFC 8259) and tolerates what Kudu's reader tolerated: comments of both sorts,
 * a comma after the last element, a byte order mark. Of members with the same name the last counts. Throws
 * {@link JsonFault}.
 */
export function readJsonObject(text: string): ReadonlyMap<string, JsonMember> {
  const reader = new Reader(text)
  reader.skipBlanks()
  if (reader.peek() !== '{') throw reader.fault('a JSON object, which begins with {, is expected here')
  const members = new Map<string, JsonMember>()
  reader.readMembers(1, (key, value, start, end, json) => {
    members.set(key, { value, text: text.slice(start, end), json, position: start })
  })
  reader.skipBlanks()
  if (reader.peek() !== '') throw reader.fault('nothing more is expected after the object')
  return members
}

/** An object of members that are strict JSON already, in their order. */
export function writeJsonObject(members: ReadonlyMap<string, string>): string {
  return `{${[...members].map(([name, json]) => `${JSON.stringify(name)}:${json}`).join()}}`
}

type TakeMember = (key: string, value: JsonValue, start: number, end: number, json: string) => void

class Reader {
  readonly #text: string
  #at = 0
  /** What was read of the present value, in strict JSON. */
  #json = ''

  constructor(text: string) {
    this.#text = text
  }

  /** The character here; empty at the end. */
  peek(): string {
    return this.#text.charAt(this.#at)
  }

  fault(message: string, position = this.#at): JsonFault {
    const sign = this.#text.codePointAt(position)
    const found = sign === undefined ? 'the text ends' : `found ${JSON.stringify(String.fromCodePoint(sign))}`
    return new JsonFault(`${message}, but ${found}`, position)
  }

  skipBlanks(): void {
    for (;;) {
      this.#match(/[ \t\r\n\ufeff]+/y)
      const start = this.#at
      const opening = this.#match(/\/\/|\/\*/y)
      if (opening === undefined) return
      const end = opening === '//' ? this.#match(/[^\r\n]*/y) : this.#match(/.*?\*\//sy)
      if (end === undefined) throw new JsonFault('a comment begins here that does not end', start)
    }
  }

  /** Reads an object that begins here, handing out its members. */
  readMembers(depth: number, take: TakeMember): void {
    this.#readList('}', () => {
      if (this.peek() !== '"') throw this.fault('the name of a member in double quotes is expected here')
      const key = this.#readString()
      this.skipBlanks()
      if (this.#match(/:/y) === undefined) throw this.fault(`":" is expected after the name ${JSON.stringify(key)}`)
      this.#json += ':'
      this.skipBlanks()
      const start = this.#at
      const written = this.#json.length
      const value = this.#readValue(depth)
      take(key, value, start, this.#at, this.#json.slice(written))
    })
  }

  /** Reads elements separated by commas until the closing sign; a comma may stand before that. */
  #readList(closing: string, readElement: () => void): void {
    this.#at++
    this.skipBlanks()
    let opening = closing === '}' ? '{' : '['
    const empty = opening
    while (this.peek() !== closing) {
      this.#json += opening
      opening = ','
      readElement()
      this.skipBlanks()
      if (this.#match(/,/y) === undefined && this.peek() !== closing)
        throw this.fault(`"," or "${closing}" is expected here`)
      this.skipBlanks()
    }
    this.#json += opening === empty ? empty + closing : closing
    this.#at++
  }

  #readValue(depth: number): JsonValue {
    if (depth > DEEPEST) throw new JsonFault(`values lie in one another more than ${DEEPEST} deep`, this.#at)
    const first = this.peek()
    if (first === '{') return this.#readObject(depth)
    if (first === '[') return this.#readArray(depth)
    if (first === '"') return this.#readString()
    const word = this.#match(/true\b|false\b|null\b/y)
    if (word !== undefined) {
      this.#json += word
      return word === 'null' ? null : word === 'true'
    }
    const number = this.#match(/-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?(?![\w.])/y)
    if (number !== undefined) {
      this.#json += number
      return Number(number)
    }
    throw this.fault('a value is expected here')
  }

  #readObject(depth: number): JsonValue {
    const members = new Map<string, { readonly value: JsonValue; readonly json: string }>()
    const before = this.#json
    this.readMembers(depth + 1, (key, value, _start, _end, json) => members.set(key, { value, json }))
    this.#json = before + writeJsonObject(new Map([...members].map(([key, { json }]) => [key, json])))
    // fromEntries defines a member called __proto__ as a plain one, which assigning would not.
    return Object.fromEntries([...members].map(([key, { value }]) => [key, value]))
  }

  #readArray(depth: number): JsonValue {
    const elements: JsonValue[] = []
    this.#readList(']', () => elements.push(this.#readValue(depth + 1)))
    return elements
  }

  #readString(): string {
    const start = this.#at
    const literal = this.#match(/"(?:[^"\\\n\r]|\\[^\n\r])*"/y)
    if (literal === undefined) throw new JsonFault('a text begins here that does not end on its line', start)
    try {
      const value = String(JSON.parse(literal))
      this.#json += JSON.stringify(value)
      return value
    } catch {
      throw new JsonFault('a text begins here that holds a wrong escape or a control character', start)
    }
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match === null) return undefined
    this.#at = pattern.lastIndex
    return match[0]
  }
}

/** Line and column of an offset, both counted from 1, the column in UTF-16 units. */
export function placeOf(text: string, position: number): { line: number; column: number } {
  const before = text.slice(0, position)
  const lines = before.split(/\r\n|\r|\n/)
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 }
}
