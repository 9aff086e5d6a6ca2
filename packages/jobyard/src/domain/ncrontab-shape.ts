import { JobyardError } from './errors.ts'
import { type Piece, quoted, scheduleInvalid } from './ncrontab-refusal.ts'

/** The longest schedule that is read, in UTF-16 units. */
export const LONGEST_SCHEDULE = 1000

const ORDER = '{second} {minute} {hour} {day} {month} {day of week}'

const MACROS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 0 1 1 *',
  '@annually': '0 0 0 1 1 *',
  '@monthly': '0 0 0 1 * *',
  '@weekly': '0 0 0 * * 0',
  '@daily': '0 0 0 * * *',
  '@midnight': '0 0 0 * * *',
  '@hourly': '0 0 * * * *',
}

/** The six fields of a text, each a piece. */
export type Pieces = readonly [Piece, Piece, Piece, Piece, Piece, Piece]

/**
 * Cuts a schedule into its six fields at runs of the space character, or says what the text is instead: five fields,
 * seven, a macro, a time span, something with tabs. `check` reads a six-field text and throws where it is wrong.
 */
export function splitFields(text: string, check: (sixFields: string) => void): Pieces {
  refuseForeignBlanks(text)
  const fields = [...text.matchAll(/[^ ]+/g)].map((match) => ({ text: match[0], start: match.index }))
  const first = fields[0]
  if (first === undefined) throw scheduleInvalid({ message: 'The schedule is empty.', position: 0 })
  for (const field of fields) refuseForeignField(field)
  if (fields.length === 1) refuseTimeSpan(first)
  const [second, minute, hour, day, month, weekday, extra] = fields
  if (fields.length === 5) throw fiveFields(fields, first, check)
  if (extra !== undefined) throw tooManyFields(fields, extra)
  if (!second || !minute || !hour || !day || !month || !weekday) throw tooFewFields(text, fields)
  return [second, minute, hour, day, month, weekday]
}

function refuseForeignBlanks(text: string): void {
  if (text.length > LONGEST_SCHEDULE) {
    throw scheduleInvalid({
      message: `The schedule has ${text.length} characters; at most ${LONGEST_SCHEDULE} are read.`,
      position: LONGEST_SCHEDULE,
      hint: 'Shorten it with ranges (1-5) and steps (*/5).',
    })
  }
  const blank = /[^\S ]/.exec(text)
  if (blank === null) return
  const name = blank[0] === '\t' ? 'a tab' : /[\r\n]/.test(blank[0]) ? 'a line break' : 'a blank that is no space'
  throw scheduleInvalid({
    message: `The schedule holds ${name} at position ${blank.index}; only the space character separates fields.`,
    position: blank.index,
    hint: 'Put single spaces between the six fields.',
  })
}

function refuseForeignField(field: Piece): void {
  if (field.text.startsWith('@')) throw macro(field)
  if (/^(CRON_)?TZ=/i.test(field.text)) {
    throw scheduleInvalid({
      message: `The schedule begins with a time zone, ${quoted(field.text)}, which is not part of the text.`,
      position: field.start,
      hint: 'Take it out and name the zone in the time zone setting beside the schedule.',
    })
  }
}

function macro(field: Piece): JobyardError {
  const suggestion = MACROS[field.text.toLowerCase()]
  const reboot = field.text.toLowerCase() === '@reboot'
  let hint = `Write six fields: ${ORDER}.`
  if (suggestion !== undefined) hint = `Write \`${suggestion}\` instead of ${field.text}.`
  if (reboot) hint = 'What shall run whenever the server starts is a continuous job, not a schedule.'
  const message = `The schedule holds ${quoted(field.text)}; names that begin with @ are not read.`
  return scheduleInvalid({ message, position: field.start, hint, ...(suggestion === undefined ? {} : { suggestion }) })
}

function refuseTimeSpan(field: Piece): void {
  const match = /^(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.\d+)?)?$/.exec(field.text)
  if (match === null) return
  const [days, hours, minutes, seconds] = match.slice(1, 5).map((part) => Number(part ?? 0))
  const suggestion = everySpan(days ?? 0, hours ?? 0, minutes ?? 0, seconds ?? 0)
  throw scheduleInvalid({
    message: `The schedule ${quoted(field.text)} is a time span, which Azure Functions timers take and WebJobs do not.`,
    position: field.start,
    hint: suggestion === undefined ? `Write six fields: ${ORDER}.` : `Write \`${suggestion}\`.`,
    ...(suggestion === undefined ? {} : { suggestion }),
  })
}

/** The schedule that fires once per span, where the span divides the next larger unit evenly. */
function everySpan(days: number, hours: number, minutes: number, seconds: number): string | undefined {
  const every = (count: number) => (count === 1 ? '*' : `*/${count}`)
  const total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
  if (total === 86_400) return '0 0 0 * * *'
  if (total % 3600 === 0 && 24 % (total / 3600) === 0) return `0 0 ${every(total / 3600)} * * *`
  if (total % 60 === 0 && 60 % (total / 60) === 0) return `0 ${every(total / 60)} * * * *`
  if (total > 0 && 60 % total === 0) return `${every(total)} * * * * *`
  return undefined
}

function fiveFields(fields: readonly Piece[], first: Piece, check: (sixFields: string) => void): JobyardError {
  const suggestion = `0 ${fields.map((field) => field.text).join(' ')}`
  let further = ''
  try {
    check(suggestion)
  } catch (error) {
    if (!(error instanceof JobyardError)) throw error
    further = ` Then: ${error.message}`
  }
  return scheduleInvalid({
    message: `The schedule has five fields; six are needed, the second first: write \`${suggestion}\`.${further}`,
    position: first.start,
    hint: `Write \`${suggestion}\`: ${ORDER}.${further}`,
    suggestion,
  })
}

function tooManyFields(fields: readonly Piece[], extra: Piece): JobyardError {
  const six = fields.slice(0, 6).map((field) => field.text)
  const year = fields.length === 7 && /^(\*|\?|(19|20)\d\d([-,/].*)?)$/.test(extra.text)
  const hint = year ? `There is no year field: leave ${quoted(extra.text)} out.` : `Write six fields: ${ORDER}.`
  return scheduleInvalid({
    message: `The schedule has ${fields.length} fields; six are read, and ${quoted(extra.text)} is one too many.`,
    position: extra.start,
    hint,
    ...(fields.length === 7 && extra.text === '*' ? { suggestion: six.join(' ') } : {}),
  })
}

function tooFewFields(text: string, fields: readonly Piece[]): JobyardError {
  const count = fields.length === 1 ? 'one field' : `${fields.length} fields`
  return scheduleInvalid({
    message: `The schedule has ${count}; six are needed: ${ORDER}.`,
    position: text.trimEnd().length,
  })
}
