import type { Ncrontab } from './ncrontab.ts'
import { countBits, lowestBit } from './ncrontab-fields.ts'

/*
 * Matching of local times, with no zone in it. A local time is a number of seconds: what the wall clock shows, counted
 * from 1970-01-01T00:00:00 as if every day had 86,400 of them. A day is a number too, 0 being 1970-01-01.
 */

const SECONDS_A_DAY = 86_400
const DAYS_BEFORE_1970 = 719_162
const DAYS_A_YEAR = 365.2425

/** The last year in which occurrences are looked for. */
export const LAST_YEAR = 9999
/** The last second of {@link LAST_YEAR}, in seconds since 1970. */
export const LAST_SECOND = daysBeforeYear(LAST_YEAR + 1) * SECONDS_A_DAY - 1
/** The first second of the year 1, before which nothing occurs. */
export const FIRST_SECOND = daysBeforeYear(1) * SECONDS_A_DAY

/** Days of the year before each month, months counted from 1; the entry after December ends the search. */
const COMMON_YEAR = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365]
const LEAP_YEAR = [0, 0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366]

/** The earliest matching local time that is at least `from`, or null when there is none up to the year 9999. */
export function nextLocalTime(ncrontab: Ncrontab, from: number): number | null {
  const today = Math.floor(from / SECONDS_A_DAY)
  const day = nextDay(ncrontab, today)
  if (day === today) {
    const time = nextTimeOfDay(ncrontab, from - today * SECONDS_A_DAY)
    if (time >= 0) return today * SECONDS_A_DAY + time
  }
  const later = day === today ? nextDay(ncrontab, today + 1) : day
  return later === null ? null : later * SECONDS_A_DAY + firstTimeOfDay(ncrontab)
}

/** How many matching local times there are from `from` up to and without `until`. Its cost grows with the months only. */
export function countLocalTimes(ncrontab: Ncrontab, from: number, until: number): number {
  if (until <= from) return 0
  const firstDay = Math.floor(from / SECONDS_A_DAY)
  const lastDay = Math.floor(until / SECONDS_A_DAY)
  const perDay = ncrontab.hour.size * ncrontab.minute.size * ncrontab.second.size
  let count = countDays(ncrontab, firstDay, lastDay) * perDay
  if (hasDay(ncrontab, firstDay)) count -= countTimesBefore(ncrontab, from - firstDay * SECONDS_A_DAY)
  if (hasDay(ncrontab, lastDay)) count += countTimesBefore(ncrontab, until - lastDay * SECONDS_A_DAY)
  return count
}

function firstTimeOfDay(ncrontab: Ncrontab): number {
  return ncrontab.hour.first * 3600 + ncrontab.minute.first * 60 + ncrontab.second.first
}

/** The earliest matching second of the day that is at least `from` (0 to 86,399), or -1. */
function nextTimeOfDay(ncrontab: Ncrontab, from: number): number {
  const hour = Math.floor(from / 3600)
  if (ncrontab.hour.has(hour)) {
    const minute = Math.floor((from - hour * 3600) / 60)
    if (ncrontab.minute.has(minute)) {
      const second = ncrontab.second.next(from - hour * 3600 - minute * 60)
      if (second >= 0) return hour * 3600 + minute * 60 + second
    }
    const nextMinute = ncrontab.minute.next(minute + 1)
    if (nextMinute >= 0) return hour * 3600 + nextMinute * 60 + ncrontab.second.first
  }
  const nextHour = ncrontab.hour.next(hour + 1)
  return nextHour < 0 ? -1 : nextHour * 3600 + ncrontab.minute.first * 60 + ncrontab.second.first
}

function countTimesBefore(ncrontab: Ncrontab, time: number): number {
  const hour = Math.floor(time / 3600)
  const minute = Math.floor((time - hour * 3600) / 60)
  const { second: seconds, minute: minutes, hour: hours } = ncrontab
  let count = hours.countBefore(hour) * minutes.size * seconds.size
  if (!hours.has(hour)) return count
  count += minutes.countBefore(minute) * seconds.size
  return minutes.has(minute) ? count + seconds.countBefore(time - hour * 3600 - minute * 60) : count
}

/** The earliest matching day that is at least `from`, or null. A possible one comes within 40 years. */
function nextDay(ncrontab: Ncrontab, from: number): number | null {
  if (!ncrontab.possible) return null
  let year = yearOf(from)
  let month = monthOf(year, from)
  let days = daysOfMonth(ncrontab, year, month) & (-1 << (from - dayNumber(year, month, 0)))
  while (days === 0) {
    month = ncrontab.month.next(month + 1)
    if (month < 0) {
      month = ncrontab.month.first
      year += 1
    }
    if (year > LAST_YEAR) return null
    days = daysOfMonth(ncrontab, year, month)
  }
  return year > LAST_YEAR ? null : dayNumber(year, month, lowestBit(days))
}

/** How many matching days there are from `from` up to and without `until`. */
function countDays(ncrontab: Ncrontab, from: number, until: number): number {
  let count = 0
  let year = yearOf(from)
  let month = monthOf(year, from)
  for (let start = dayNumber(year, month, 0); start + 1 < until; start = dayNumber(year, month, 0)) {
    let days = daysOfMonth(ncrontab, year, month)
    if (from > start) days &= -1 << (from - start)
    if (until - start <= 31) days &= ~(-1 << (until - start))
    count += countBits(days)
    month = month === 12 ? 1 : month + 1
    if (month === 1) year += 1
  }
  return count
}

function hasDay(ncrontab: Ncrontab, day: number): boolean {
  const year = yearOf(day)
  const month = monthOf(year, day)
  return (daysOfMonth(ncrontab, year, month) & (1 << (day - dayNumber(year, month, 0)))) !== 0
}

/** The matching days of a month as bits 1 to 31: day of month and day of week must both be right. */
function daysOfMonth(ncrontab: Ncrontab, year: number, month: number): number {
  if (!ncrontab.month.has(month)) return 0
  const start = dayNumber(year, month, 0)
  const length = dayNumber(year, month + 1, 0) - start
  const days = length === 31 ? ncrontab.day.low : ncrontab.day.low & ~(-1 << (length + 1))
  if (ncrontab.weekday.full) return days
  // 1970-01-01 was a Thursday, weekday 4. One week that begins with the month's first weekday, laid out five times.
  const first = (((start + 5) % 7) + 7) % 7
  const weekdays = ncrontab.weekday.low
  const week = ((weekdays >>> first) | (weekdays << (7 - first))) & 127
  return days & ((week << 1) | (week << 8) | (week << 15) | (week << 22) | (week << 29))
}

/** The number of a day of the proleptic Gregorian calendar; month 13 is the next January, day 0 the day before the 1st. */
function dayNumber(year: number, month: number, day: number): number {
  const beforeMonth = (isLeap(year) ? LEAP_YEAR : COMMON_YEAR)[month] ?? 0
  return daysBeforeYear(year) + beforeMonth + day - 1
}

function yearOf(day: number): number {
  const year = Math.floor((day + DAYS_BEFORE_1970) / DAYS_A_YEAR) + 1
  if (day < daysBeforeYear(year)) return year - 1
  return day >= daysBeforeYear(year + 1) ? year + 1 : year
}

function monthOf(year: number, day: number): number {
  const starts = isLeap(year) ? LEAP_YEAR : COMMON_YEAR
  const dayOfYear = day - daysBeforeYear(year)
  // No month is longer than 32 days, so this is the month or the one before it.
  const month = (dayOfYear >> 5) + 1
  return dayOfYear >= (starts[month + 1] ?? 0) ? month + 1 : month
}

function daysBeforeYear(year: number): number {
  const before = year - 1
  return before * 365 + Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400) - DAYS_BEFORE_1970
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}
