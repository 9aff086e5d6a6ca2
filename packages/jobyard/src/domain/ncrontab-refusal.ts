import { JobyardError } from './errors.ts'
import { FIELD_RANGES, type FieldRange } from './ncrontab-fields.ts'

/** A piece of the schedule's text and where it begins in the whole, counted in UTF-16 units from 0. */
export interface Piece {
  readonly text: string
  readonly start: number
}

/** Particulars of a refused schedule. */
export interface Refusal {
  readonly message: string
  readonly position: number
  readonly hint?: string
  /** The six-field text that was probably meant. */
  readonly suggestion?: string
}

/** The error 'schedule-invalid' for a place in the text. */
export function scheduleInvalid(refusal: Refusal): JobyardError {
  return new JobyardError('schedule-invalid', refusal.message, {
    position: refusal.position,
    ...(refusal.hint === undefined ? {} : { hint: refusal.hint }),
    ...(refusal.suggestion === undefined ? {} : { data: { suggestion: refusal.suggestion } }),
  })
}

/** Text of the user for use in a message: quoted, shortened, nothing unprintable. */
export function quoted(text: string): string {
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text
  return JSON.stringify(shown).replaceAll(/[\u007f-\u009f\u200b-\u200f\u2028-\u202e\ufeff]/g, (sign) => {
    return `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** The values a field may hold, as a phrase. */
export function permitted(range: FieldRange): string {
  if (range === FIELD_RANGES.weekday) return '0 (Sunday) to 6 (Saturday), or an English day name or its beginning'
  if (range === FIELD_RANGES.month) return '1 to 12, or an English month name or its beginning'
  return `${range.min} to ${range.max}`
}

/** The error for a number that the field does not hold. */
export function outOfRange(range: FieldRange, piece: Piece): JobyardError {
  const value = Number(piece.text)
  let hint = `Permitted in the ${range.title} field: ${permitted(range)}.`
  if (range === FIELD_RANGES.weekday && value === 7) hint = 'Sunday is 0 here; 7 is not used.'
  if (range === FIELD_RANGES.hour && value === 24) hint = 'Midnight is hour 0.'
  return scheduleInvalid({
    message: `The ${range.title} field cannot hold ${quoted(piece.text)}; permitted are ${permitted(range)}.`,
    position: piece.start,
    hint,
  })
}

/** The error for a piece that is neither a number nor a name, explained as well as its signs allow. */
export function unreadable(range: FieldRange, piece: Piece): JobyardError {
  const sign = foreignSign(range, piece)
  const wrong = /^[0-9]+/.exec(piece.text)?.[0].length ?? 0
  return scheduleInvalid({
    message: `The ${range.title} field cannot hold ${quoted(piece.text)}; permitted are ${permitted(range)}.`,
    position: sign?.position ?? piece.start + (wrong < piece.text.length ? wrong : 0),
    hint: sign?.hint ?? plainHint(range, piece.text),
  })
}

function plainHint(range: FieldRange, text: string): string {
  if (text === '') return 'A value is missing here; write a number or *.'
  if (text.includes('*')) return 'Write * alone or with a step, as in */5.'
  if (/^[+-]/.test(text)) return 'Write the number without a sign.'
  if (/^\p{Nd}+$/u.test(text)) return 'Write the digits 0 to 9.'
  if (/^[A-Za-z]+$/.test(text)) return nameHint(range)
  return `Write whole numbers (${permitted(range)}), *, lists such as 1,5, ranges such as 1-5 and steps such as */5.`
}

function nameHint(range: FieldRange): string {
  const [first] = range.names
  if (first !== undefined) return `Write a name such as ${first}, its beginning (${first.slice(0, 3)}), or a number.`
  return `Names are for the month and day of week fields; the ${range.title} field takes numbers.`
}

interface Dialect {
  readonly found: RegExp
  readonly hint: string
}

/** Signs of other cron dialects, tried in order; the position told is that of the match. */
const DIALECTS: readonly Dialect[] = [
  { found: /\?/, hint: 'The sign ? belongs to Quartz; write * instead.' },
  { found: /#/, hint: 'The sign # (the nth weekday of a month) is not known; write days 1-7, 8-14 … and a weekday.' },
  { found: /^H(?![a-z])/i, hint: 'The letter H (a spread time) belongs to Jenkins; write a number.' },
  { found: /^LW?$|(?<=^\d+)L$/i, hint: 'The letter L (last) is not known; list the days, such as 28-31.' },
  { found: /(?<=^\d+)W$|^W$/i, hint: 'The letter W (the nearest weekday) is not known; use the day of week field.' },
]

function foreignSign(range: FieldRange, piece: Piece): { position: number; hint: string } | undefined {
  for (const dialect of DIALECTS) {
    const match = dialect.found.exec(piece.text)
    if (match === null) continue
    const hint = dialect.hint.startsWith('The letter L') && range !== FIELD_RANGES.day ? NO_LAST : dialect.hint
    return { position: piece.start + match.index, hint }
  }
  return undefined
}

const NO_LAST = 'The letter L (last) is not known; write the values themselves.'
