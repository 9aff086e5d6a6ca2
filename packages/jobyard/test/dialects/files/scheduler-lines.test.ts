import { expect, it } from 'vitest'
import { LineForm } from '../../../src/dialects/webjobs/files/log-line.ts'
import { type ScheduleRecords, schedulerLines } from '../../../src/dialects/webjobs/files/scheduler-log.ts'

const at = (text: string) => Date.parse(`2024-05-01T${text}Z`)
const schedule = (ncrontab: string, next: string, timeZone = 'UTC') => ({ ncrontab, timeZone, next: at(next) })
const saved = (time: string, ...schedules: ReturnType<typeof schedule>[]) => {
  return { time: at(time), detail: schedules.length === 0 ? {} : { schedules } }
}

function unreadable(time: string) {
  return { time: at(time), detail: { schedules: [{ unreadable: 'every night', error: 'It has two fields.' }] } }
}

function occurrence(due: string, recorded: string, outcome: 'ran' | 'skipped' | 'missed' = 'ran', more = 0) {
  const reason = outcome === 'skipped' ? 'The job runs already.' : null
  return { due: at(due), recordedAt: at(recorded), outcome, reason, runId: null, more, called: null }
}

function shown(records: Partial<ScheduleRecords>): string {
  const form = new LineForm('a1b2c3')
  const lines = schedulerLines({ occurrences: [], changes: [], ...records })
  return lines.map((line) => form.show(line)).join('')
}

const SYS = (time: string, text: string, level = 'INFO') => `[05/01/2024 ${time} > a1b2c3: SYS ${level}] ${text}\r\n`

it('tells of a schedule, of what it invoked, and of its removal', () => {
  const changes = [
    saved('11:50:00.500', schedule('0 */15 * * * *', '12:00:00')),
    // Saved again, for another reason.
    saved('12:01:00', schedule('0 */15 * * * *', '12:15:00')),
    saved('12:20:00'),
  ]
  const occurrences = [occurrence('12:00:00', '12:00:00.250'), occurrence('12:15:00', '12:15:00')]
  expect(shown({ changes, occurrences })).toBe(
    SYS('11:50:00', 'Scheduling WebJob with 0 0,15,30,45 * * * * next schedule expected in 00:09:59.5000000') +
      SYS('12:00:00', 'WebJob invoked') +
      SYS('12:00:00', 'Next schedule expected in 00:14:59.7500000') +
      SYS('12:15:00', 'WebJob invoked') +
      SYS('12:15:00', 'Next schedule expected in 00:15:00') +
      SYS('12:20:00', 'Removing current schedule from WebJob'),
  )
})

it('counts what was missed, and names the latest by the clock of the schedule', () => {
  const changes = [saved('10:00:00', schedule('0 */5 * * * *', '10:05:00', 'America/New_York'))]
  const occurrences = [
    occurrence('10:05:00', '11:02:00', 'missed', 9),
    occurrence('10:55:00', '11:02:00', 'missed'),
    occurrence('11:00:00', '11:02:00'),
  ]
  expect(shown({ changes, occurrences })).toBe(
    SYS(
      '10:00:00',
      'Scheduling WebJob with 0 0,5,10,15,20,25,30,35,40,45,50,55 * * * * next schedule expected in 00:05:00',
    ) +
      SYS('11:02:00', 'Missed 11 schedules, most recent at 05/01/2024 06:55:00', 'WARN') +
      SYS('11:02:00', 'Next schedule expected in 00:03:00') +
      SYS('11:02:00', 'WebJob invoked') +
      SYS('11:02:00', 'Next schedule expected in 00:03:00'),
  )
})

it('tells of an occurrence that found the job at work', () => {
  const changes = [saved('10:00:00', schedule('0 0 * * * *', '11:00:00'))]
  expect(shown({ changes, occurrences: [occurrence('11:00:00', '11:00:00', 'skipped')] })).toBe(
    SYS('10:00:00', 'Scheduling WebJob with 0 0 * * * * next schedule expected in 01:00:00') +
      SYS('11:00:00', 'WebJob was not invoked: The job runs already.', 'WARN') +
      SYS('11:00:00', 'Next schedule expected in 01:00:00'),
  )
})

it('tells of a schedule that nobody can read', () => {
  const changes = [
    saved('08:00:00', schedule('0 0 9 * * *', '09:00:00')),
    unreadable('09:00:00'),
    unreadable('09:30:00'),
  ]
  const failed = SYS('09:00:00', 'Failed to parse schedule "every night". Error: It has two fields.', 'ERR ')
  const removed = SYS('09:00:00', 'Removing current schedule from WebJob')
  const before = SYS('08:00:00', 'Scheduling WebJob with 0 0 9 * * * next schedule expected in 01:00:00')
  expect(shown({ changes: changes.slice(1) })).toBe(failed)
  expect(shown({ changes })).toBe(before + failed + removed)
  // It stays told when another one takes its place, or none.
  expect(shown({ changes: [...changes, saved('10:00:00')] })).toBe(before + failed + removed)
  const next = [...changes, saved('10:00:00', schedule('0 0 11 * * *', '11:00:00'))]
  expect(shown({ changes: next })).toBe(
    `${before}${failed}${removed}${SYS('10:00:00', 'Scheduling WebJob with 0 0 11 * * * next schedule expected in 01:00:00')}`,
  )
})

it('promises nothing of a schedule that settings keep from falling due', () => {
  const rested = (time: string, rests: 'unscheduled' | 'stopped') => {
    return { time: at(time), detail: { schedules: [{ ...schedule('0 0 9 * * *', '09:00:00'), rests }] } }
  }
  const changes = [
    rested('08:00:00', 'unscheduled'),
    rested('08:10:00', 'stopped'),
    saved('08:20:00', schedule('0 0 9 * * *', '09:00:00')),
  ]
  expect(shown({ changes })).toBe(
    SYS('08:00:00', 'The schedule 0 0 9 * * * is not followed because of WEBJOBS_DISABLE_SCHEDULE') +
      SYS('08:10:00', 'The schedule 0 0 9 * * * is not followed because of WEBJOBS_STOPPED') +
      SYS('08:20:00', 'Scheduling WebJob with 0 0 9 * * * next schedule expected in 00:40:00'),
  )
})

it('is worked out from the record alone where nobody kept what was set', () => {
  const occurrences = [occurrence('12:00:00', '12:00:00'), occurrence('12:10:00', '12:10:00')]
  expect(shown({ occurrences })).toBe(
    SYS('12:00:00', 'WebJob invoked') +
      SYS('12:00:00', 'Next schedule expected in 00:10:00') +
      SYS('12:10:00', 'WebJob invoked') +
      SYS('12:10:00', 'Next schedule is never expected'),
  )
})
