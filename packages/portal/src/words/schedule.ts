/** A field of a schedule: its values, and whether they are all there are. */
interface Field {
  readonly values: readonly number[]
  readonly full: boolean
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ')
const WEEKDAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')
/** How many values each field can have at most, and the smallest of them. */
const RANGES: readonly (readonly [first: number, count: number])[] = [
  [0, 60],
  [0, 60],
  [0, 24],
  [1, 31],
  [1, 12],
  [0, 7],
]
/** More values than these are told as a range with steps. */
const MOST_LISTED = 6

/**
 * A schedule in words, from its six fields in numbers (`normalised` of a preview): no names, no steps, nothing that could
 * be read in two ways. Day of month and day of week must both fit. Undefined for what are not six fields.
 */
export function sayNcrontab(normalised: string): string | undefined {
  const fields = normalised.split(' ').map((text, index) => readField(text, RANGES[index] ?? [0, 0]))
  const [second, minute, hour, day, month, weekday] = fields
  if (fields.length !== 6 || !second || !minute || !hour || !day || !month || !weekday) return undefined
  const time = sayTimes(second, minute, hour)
  const days = sayDays(day, weekday)
  const everyDay = days === '' && month.full && time.startsWith('At ') && !hour.full ? ' every day' : ''
  return `${time}${everyDay}${days}${sayMonths(month)}`
}

function readField(text: string, [first, count]: readonly [number, number]): Field {
  const values =
    text === '*'
      ? Array.from({ length: count }, (_, index) => first + index)
      : text.split(',').flatMap((part) => {
          const [from = 0, to = from] = part.split('-').map(Number)
          return Array.from({ length: to - from + 1 }, (_, index) => from + index)
        })
  return { values, full: values.length === count }
}

function sayTimes(second: Field, minute: Field, hour: Field): string {
  const [onlySecond, onlyMinute] = [only(second), only(minute)]
  if (onlySecond === undefined) return `${saySeconds(second)}${sayMinutesWithin(minute)}${sayHours(hour)}`
  if (onlyMinute === undefined) return `${sayMinutes(minute)}${sayHours(hour)}${atSecond(onlySecond)}`
  const every = stepOf(hour, 24)
  if (every !== undefined) return sayHourly(every, onlyMinute, onlySecond)
  if (hour.values.length <= MOST_LISTED) {
    return `At ${list(hour.values.map((each) => clock(each, onlyMinute, onlySecond)))}`
  }
  const [first = 0] = hour.values
  const [from, to] = [first, hour.values.at(-1) ?? first].map((each) => clock(each, onlyMinute, onlySecond))
  if (isRun(hour.values)) return `Every hour from ${from} to ${to}`
  return `At minute ${onlyMinute} of every hour${sayHours(hour)}${atSecond(onlySecond)}`
}

function sayHourly(every: number, minute: number, second: number): string {
  const which = every === 1 ? 'Every hour' : `Every ${every} hours from 00:00 on`
  if (minute === 0 && second === 0) return every === 1 ? `${which}, on the hour` : which
  return `${which}, at minute ${minute}${second === 0 ? '' : ` and second ${second}`}`
}

function saySeconds(second: Field): string {
  const every = stepOf(second, 60)
  if (every !== undefined) return every === 1 ? 'Every second' : `Every ${every} seconds`
  return `At seconds ${enumerate(second.values)} of every minute`
}

function sayMinutesWithin(minute: Field): string {
  if (minute.full) return ''
  return `, in minute${minute.values.length === 1 ? '' : 's'} ${enumerate(minute.values)} of the hour`
}

function sayMinutes(minute: Field): string {
  const every = stepOf(minute, 60)
  if (every !== undefined) return every === 1 ? 'Every minute' : `Every ${every} minutes`
  return `At minutes ${enumerate(minute.values)} of every hour`
}

function sayHours({ values, full }: Field): string {
  if (full) return ''
  const [first = 0] = values
  const last = values.at(-1) ?? first
  if (isRun(values)) return `, from ${clock(first, 0)} to ${clock(last, 59)}`
  return `, in the hours ${enumerate(values)}`
}

function sayDays(day: Field, weekday: Field): string {
  const dates = `day${day.values.length === 1 ? '' : 's'} ${enumerate(day.values)} of the month`
  const names = sayWeekdays(weekday.values)
  if (day.full) return weekday.full ? '' : `, ${names.includes(' to ') ? '' : 'on '}${names}`
  if (weekday.full) return `, on ${dates}`
  const which = names.includes(' to ') ? names : `a ${names.replace(/ and (?=\w+$)/, ' or ')}`
  return `, on ${dates}, but only when that is ${which}`
}

function sayWeekdays(values: readonly number[]): string {
  const [first = 0] = values
  if (values.length > 2 && isRun(values)) return `${WEEKDAYS[first]} to ${WEEKDAYS[values.at(-1) ?? first]}`
  // The week of most readers begins on Monday.
  const sorted = values.toSorted((a, b) => ((a + 6) % 7) - ((b + 6) % 7))
  return list(sorted.map((each) => WEEKDAYS[each] ?? ''))
}

function sayMonths({ values, full }: Field): string {
  if (full) return ''
  const [first = 1] = values
  const name = (month: number): string => MONTHS[month - 1] ?? ''
  if (values.length > 2 && isRun(values)) return `, from ${name(first)} to ${name(values.at(-1) ?? first)}`
  return `, in ${list(values.map(name))}`
}

function only({ values }: Field): number | undefined {
  return values.length === 1 ? values[0] : undefined
}

/** The step of values that are spread evenly over the whole range, from its beginning on, so that it never stumbles. */
function stepOf({ values }: Field, count: number): number | undefined {
  const step = count / values.length
  const even = values.length > 1 && Number.isInteger(step) && values.every((value, index) => value === index * step)
  return even ? step : undefined
}

/** Whether values follow each other without a gap. */
function isRun(values: readonly number[]): boolean {
  return values.every((value, index) => value === (values[0] ?? 0) + index)
}

function enumerate(values: readonly number[]): string {
  const [first = 0, next = first] = values
  const last = values.at(-1) ?? first
  const step = next - first
  if (values.length > 2 && isRun(values)) return `${first} to ${last}`
  const steady = values.every((value, index) => value === first + index * step)
  if (values.length > MOST_LISTED && steady) return `${first} to ${last} in steps of ${step}`
  return list(values.map(String))
}

function list(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`
}

function atSecond(second: number): string {
  return second === 0 ? '' : `, at second ${second}`
}

function clock(hour: number, minute: number, second = 0): string {
  const parts = second === 0 ? [hour, minute] : [hour, minute, second]
  return parts.map((part) => String(part).padStart(2, '0')).join(':')
}
