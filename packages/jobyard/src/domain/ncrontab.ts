import { JobyardError } from './errors.ts'
import { FIELD_RANGES, type FieldSet, fieldText } from './ncrontab-fields.ts'
import { type NcrontabWarning, parseField } from './ncrontab-parse.ts'
import { type Pieces, splitFields } from './ncrontab-shape.ts'

export type { NcrontabWarning } from './ncrontab-parse.ts'
export { LONGEST_SCHEDULE } from './ncrontab-shape.ts'

/** A schedule text, read. Plain immutable data; make one with {@link parseNcrontab}. */
export interface Ncrontab {
  /** The text as it was written. */
  readonly text: string
  /** The same schedule in numbers: sorted, ranges joined, `*` for a full field, single spaces. */
  readonly normalised: string
  readonly second: FieldSet
  readonly minute: FieldSet
  readonly hour: FieldSet
  readonly day: FieldSet
  readonly month: FieldSet
  readonly weekday: FieldSet
  /**
   * Whether the hour field leaves nothing out (`*`, and what amounts to it: `0-23`, `*` with step 1). Such a schedule
   * follows elapsed time through a clock change; any other names local times.
   */
  readonly everyHour: boolean
  /** False when no calendar has such a day, such as 30 February. */
  readonly possible: boolean
  /** What the writer should be told although the text is valid; mostly empty. */
  readonly warnings: readonly NcrontabWarning[]
}

/**
 * Reads an NCRONTAB text of exactly six fields as Azure WebJobs do: second, minute, hour, day of month, month, day of
 * week (https://github.com/atifaziz/NCrontab/wiki/Crontab-Expression). `field` is the path of the input for the error.
 * Throws JobyardError 'schedule-invalid' with `position` at the place in the text, never anything else.
 */
export function parseNcrontab(text: string, field = 'ncrontab'): Ncrontab {
  try {
    return read(text)
  } catch (error) {
    if (!(error instanceof JobyardError)) throw error
    throw new JobyardError(error.code, error.message, { ...error.details, field })
  }
}

function read(text: string): Ncrontab {
  const pieces: Pieces = splitFields(text, read)
  const second = parseField(FIELD_RANGES.second, pieces[0])
  const minute = parseField(FIELD_RANGES.minute, pieces[1])
  const hour = parseField(FIELD_RANGES.hour, pieces[2])
  const day = parseField(FIELD_RANGES.day, pieces[3])
  const month = parseField(FIELD_RANGES.month, pieces[4])
  const weekday = parseField(FIELD_RANGES.weekday, pieces[5])
  const fields = [second, minute, hour, day, month, weekday]
  const possible = hasSuchDay(day.values, month.values)
  const doubts = fields.flatMap((each) => each.warnings)
  return {
    text,
    normalised: fields.map((each) => fieldText(each.values)).join(' '),
    second: second.values,
    minute: minute.values,
    hour: hour.values,
    day: day.values,
    month: month.values,
    weekday: weekday.values,
    everyHour: hour.values.full,
    possible,
    warnings: possible ? doubts : [...doubts, neverDue(pieces)],
  }
}

const LONGEST_MONTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** Every weekday falls on every date sooner or later, 29 February included, so the smallest day decides. */
function hasSuchDay(day: FieldSet, month: FieldSet): boolean {
  return LONGEST_MONTHS.some((length, index) => month.has(index + 1) && day.first <= length)
}

function neverDue(pieces: Pieces): NcrontabWarning {
  const [, , , day, month] = pieces
  const message = `The schedule never falls due: there is no day ${day.text} in the month ${month.text}.`
  return { code: 'never-due', message, position: day.start }
}
