import { JobyardError } from '../../domain/errors.ts'

/** The arguments of a run. */
export interface RunArguments {
  /** What the script gets, one by one. */
  readonly list: readonly string[]
  /** As the caller wrote them, for WEBJOBS_COMMAND_ARGUMENTS; quoted anew when they came as a list. */
  readonly text: string
}

/** The most bytes that a run's arguments may have together. Linux takes no single one of more than 128 KiB. */
export const LARGEST_ARGUMENTS = 96 * 1024

/**
 * The arguments of a run from a list, or from one text as WebJobs take them. Throws 'arguments-invalid'.
 */
export function readArguments(given: string | readonly string[] | undefined): RunArguments {
  if (typeof given === 'string') checkSize(Buffer.byteLength(given))
  const list = typeof given === 'string' ? splitArguments(given) : (given ?? [])
  checkArguments(list)
  return { list, text: typeof given === 'string' ? given : joinArguments(list) }
}

/** Refuses arguments that no program can be given, 'arguments-invalid'. `field` is the list where callers write one. */
export function checkArguments(list: readonly string[], field?: string): void {
  const place = (index: number) => (field === undefined ? {} : { field: `${field}.${index}` })
  const nul = list.findIndex((each) => each.includes('\0'))
  if (nul >= 0) throw invalid(`Argument ${nul + 1} holds a NUL, which no program can be given.`, place(nul))
  const bytes = list.reduce((sum, each) => sum + Buffer.byteLength(each) + 1, 0)
  checkSize(bytes, field)
}

function checkSize(bytes: number, field?: string): void {
  if (bytes <= LARGEST_ARGUMENTS) return
  throw invalid(`The arguments have ${bytes} bytes together; at most ${LARGEST_ARGUMENTS} can be given.`, {
    ...(field === undefined ? {} : { field }),
    hint: 'Pass large input as the body of a webhook or in a file.',
  })
}

/** One piece of a text of arguments: blanks, quoted text, an escaped character, or plain text. */
const PIECE =
  /(?<blanks>[ \t\r\n]+)|"(?<double>(?:[^"\\]|\\.)*)"|'(?<single>[^']*)'|\\(?<escaped>[ \t\r\n"'\\])|(?<plain>[^ \t\r\n"'\\]+|\\)/sy

/**
 * Cuts a text into arguments by the quotes of shells and expands nothing: blanks separate, '…' keeps everything, "…"
 * keeps everything but `\"` and `\\`. Outside of quotes `\` keeps a blank, a quote or another `\` after it, and is an
 * ordinary character otherwise, so that `C:\data` stays what it is. Throws 'arguments-invalid' with the position of
 * a quote that is not closed.
 */
export function splitArguments(text: string): string[] {
  const list: string[] = []
  let current: string | undefined
  const pattern = new RegExp(PIECE)
  while (pattern.lastIndex < text.length) {
    const position = pattern.lastIndex
    const piece = pattern.exec(text)?.groups
    if (piece === undefined) throw unclosed(text.charAt(position), position)
    if (piece.blanks === undefined) {
      const double = piece.double?.replaceAll(/\\(["\\])/g, '$1')
      current = (current ?? '') + (double ?? piece.single ?? piece.escaped ?? piece.plain ?? '')
      continue
    }
    if (current !== undefined) list.push(current)
    current = undefined
  }
  if (current !== undefined) list.push(current)
  return list
}

/** One text that {@link splitArguments} cuts into these arguments again. */
export function joinArguments(list: readonly string[]): string {
  return list.map(quoteArgument).join(' ')
}

function quoteArgument(argument: string): string {
  if (/^[\w@%+=:,./-]+$/.test(argument)) return argument
  return `"${argument.replaceAll(/["\\]/g, '\\$&')}"`
}

function unclosed(quote: string, position: number): JobyardError {
  return invalid(`The quote ${quote} at position ${position} of the arguments is not closed.`, {
    position,
    hint: `Close the quote, or write \\${quote} for the character itself.`,
  })
}

function invalid(message: string, details: { field?: string; position?: number; hint?: string } = {}): JobyardError {
  return new JobyardError('arguments-invalid', message, { field: 'arguments', ...details })
}
