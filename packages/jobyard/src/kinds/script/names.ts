import { JobyardError } from '../../domain/errors.ts'

/** The longest name of a script job, in characters. */
export const LONGEST_NAME = 100

const RULE = `A name begins with a letter or digit (A-Z, a-z, 0-9), goes on with letters, digits, "-" and "_", and has at most ${LONGEST_NAME} characters`

/**
 * Gives back the name of a script job when it keeps the rule that the Azure portal has for WebJobs: a letter or digit,
 * then letters, digits, `-` and `_`. Throws 'name-invalid' with the rule, the field and the first wrong character.
 */
export function checkJobName(name: string, field = 'name'): string {
  const position = firstWrong(name)
  if (position === undefined) return name
  throw new JobyardError('name-invalid', `${describeFault(name, position)} ${RULE}.`, { field, position })
}

function firstWrong(name: string): number | undefined {
  if (!/^[A-Za-z0-9]/.test(name)) return 0
  const foreign = name.search(/[^A-Za-z0-9_-]/)
  if (foreign >= 0 && foreign < LONGEST_NAME) return foreign
  return name.length > LONGEST_NAME ? LONGEST_NAME : undefined
}

function describeFault(name: string, position: number): string {
  if (name === '') return 'The name is empty.'
  if (position === LONGEST_NAME) return `The name has ${name.length} characters.`
  const sign = String.fromCodePoint(name.codePointAt(position) ?? 0)
  const place = position === 0 ? 'cannot begin with' : `cannot hold, at position ${position},`
  return `The name ${quoteName(name)} ${place} the character ${quoteName(sign)}.`
}

/** The most that is shown of a name in a message, in UTF-16 units. */
const SHOWN = 120

/** A name that somebody else chose, for use in a message: in quotes, shortened, with nothing unprintable in it. */
export function quoteName(name: string): string {
  return `"${printable(name, /[\p{C}\p{Zl}\p{Zp}"\\]/gu)}"`
}

/** A value as it stands in a JSON text, for use in a message: shortened, with nothing unprintable in it. It has its own quotes. */
export function showValue(text: string): string {
  return printable(text, /[\p{C}\p{Zl}\p{Zp}]/gu)
}

function printable(text: string, signs: RegExp): string {
  const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text
  return shown.replaceAll(signs, (sign) => {
    if (sign === '"' || sign === '\\') return `\\${sign}`
    return `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`
  })
}
