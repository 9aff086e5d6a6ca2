/** How a piece of text looks. Colours are names of the sixteen of terminals, or `#rrggbb`. */
export interface Look {
  readonly ink?: string
  readonly ground?: string
  readonly bold?: boolean
  readonly dim?: boolean
  readonly italic?: boolean
  readonly underline?: boolean
  readonly inverse?: boolean
}

/** A piece of a line that looks the same from end to end. */
export interface Span {
  readonly text: string
  readonly look: Look
}

const NAMES = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white']
/** CSI sequences, OSC sequences, and other escapes of two characters (ECMA-48 §5). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one.
const ESCAPES = /\x1b(?:\[([0-9;:?]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]+[0-~]|[@-Z\\^_a-z])/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: what cannot be shown is taken out.
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f]/g

/** The text without its escape sequences. */
export function strip(text: string): string {
  return text.replace(ESCAPES, '').replace(CONTROLS, '')
}

/** The pieces of a line that begins with a look, and the look that the next one begins with. Only colours and the like are kept. */
export function readAnsi(text: string, start: Look): { readonly spans: readonly Span[]; readonly end: Look } {
  const spans: Span[] = []
  let look = start
  let at = 0
  const add = (until: number): void => {
    const piece = text.slice(at, until).replace(CONTROLS, '')
    if (piece !== '') spans.push({ text: piece, look })
  }
  for (const match of text.matchAll(ESCAPES)) {
    add(match.index)
    at = match.index + match[0].length
    if (match[2] === 'm') look = applySgr(look, match[1] ?? '')
  }
  add(text.length)
  return { spans, end: look }
}

function applySgr(before: Look, parameters: string): Look {
  const codes = parameters.split(/[;:]/).map(Number)
  let look = before
  for (let index = 0; index < codes.length; index++) {
    const code = codes[index] ?? 0
    if (code === 38 || code === 48) {
      const [colour, used] = readColour(codes.slice(index + 1))
      index += used
      if (colour !== undefined) look = { ...look, [code === 38 ? 'ink' : 'ground']: colour }
    } else look = applyCode(look, code)
  }
  return look
}

function applyCode(look: Look, code: number): Look {
  if (code === 0) return {}
  const change = CHANGES[code]
  if (change !== undefined) return { ...look, ...change }
  if (code >= 30 && code <= 37) return { ...look, ink: NAMES[code - 30] ?? '' }
  if (code >= 40 && code <= 47) return { ...look, ground: NAMES[code - 40] ?? '' }
  if (code >= 90 && code <= 97) return { ...look, ink: `bright-${NAMES[code - 90]}` }
  if (code >= 100 && code <= 107) return { ...look, ground: `bright-${NAMES[code - 100]}` }
  if (code === 39) return without(look, 'ink')
  return code === 49 ? without(look, 'ground') : look
}

const CHANGES: Readonly<Record<number, Look>> = {
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  22: { bold: false, dim: false },
  23: { italic: false },
  24: { underline: false },
  27: { inverse: false },
}

function without(look: Look, member: 'ink' | 'ground'): Look {
  const { [member]: _, ...rest } = look
  return rest
}

/** A colour of the 256, or of all, and how many numbers tell it. */
function readColour([mode, a = 0, b = 0, c = 0]: readonly number[]): [colour: string | undefined, used: number] {
  if (mode === 2) return [hex(a, b, c), 4]
  if (mode !== 5) return [undefined, 1]
  if (a < 16) return [a < 8 ? NAMES[a] : `bright-${NAMES[a - 8]}`, 2]
  if (a >= 232) return [hex(8 + (a - 232) * 10, 8 + (a - 232) * 10, 8 + (a - 232) * 10), 2]
  const level = (value: number): number => (value === 0 ? 0 : 55 + value * 40)
  const cube = a - 16
  return [hex(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)), 2]
}

function hex(...parts: readonly number[]): string {
  return `#${parts.map((part) => Math.min(255, Math.max(0, part)).toString(16).padStart(2, '0')).join('')}`
}
