import { describe, expect, it } from 'vitest'
import { LineForm } from '../../../src/dialects/webjobs/files/log-line.ts'
import { shortId } from '../../../src/domain/instance-name.ts'
import {
  beginLines,
  continuousBegin,
  continuousEnd,
  retryLines,
  stillRunningLines,
  triggeredEnd,
} from '../../../src/dialects/webjobs/files/run-lines.ts'
import type { OwnLine } from '../../../src/dialects/webjobs/files/log-line.ts'
import type { RunRow } from '../../../src/domain/model.ts'

const CREATED = Date.parse('2024-05-01T12:00:00.123Z')
const FINISHED = Date.parse('2024-05-01T12:00:03.999Z')

function run(change: Partial<RunRow> = {}): RunRow {
  return {
    id: '018f33f5-807b-7000-8000-000000000001',
    jobId: 'job',
    collectionId: 'collection',
    kind: 'script',
    number: 1,
    why: 'manual',
    detail: {},
    args: [],
    packageHash: null,
    jobVersion: 1,
    state: 'completed',
    wanted: 'run',
    planClosed: true,
    cursor: null,
    counts: { pending: 0, running: 0, blocked: 0, disconnected: 0, suspended: 0, completed: 1, failed: 0, stopped: 0 },
    owner: null,
    fence: 1,
    crashes: 0,
    dispatchAt: null,
    queued: false,
    scheduledFor: null,
    createdAt: CREATED,
    startedAt: CREATED,
    finishedAt: FINISHED,
    reasonCode: null,
    reasonText: null,
    exitCode: 0,
    cpuMs: null,
    peakBytes: null,
    ...change,
  }
}

const failed = (change: Partial<RunRow>) => run({ state: 'failed', exitCode: null, ...change })
const stopped = (change: Partial<RunRow>) => run({ state: 'stopped', exitCode: null, ...change })

function shown(lines: readonly OwnLine[]): string {
  const form = new LineForm('a1b2c3')
  return lines.map((line) => form.show(line)).join('')
}

describe('the lines of the engine', () => {
  it('have the form that tools look for, in UTC, with CRLF', () => {
    const form = new LineForm('a1b2c3')
    const time = Date.parse('2024-05-01T12:00:01.987Z')
    expect(form.show({ time, text: 'Status changed to Running' })).toBe(
      '[05/01/2024 12:00:01 > a1b2c3: SYS INFO] Status changed to Running\r\n',
    )
    expect(form.show({ time, level: 'ERR ', text: 'boom' })).toBe('[05/01/2024 12:00:01 > a1b2c3: SYS ERR ] boom\r\n')
    expect(form.show({ time, level: 'WARN', ofJob: true, text: 'two\r\nlines\n' })).toBe(
      '[05/01/2024 12:00:01 > a1b2c3: WARN] two lines\r\n',
    )
    expect(String(form.prefixOf('output', time))).toBe('[05/01/2024 12:00:01 > a1b2c3: INFO] ')
    expect(String(form.prefixOf('error', time))).toBe('[05/01/2024 12:00:01 > a1b2c3: ERR ] ')
    expect(String(form.prefixOf('system', time + 1000))).toBe('[05/01/2024 12:00:02 > a1b2c3: SYS INFO] ')
    expect(form.perLine).toBe('[05/01/2024 12:00:01 > a1b2c3: INFO] \r\n'.length)
  })

  it('call an instance by six characters of its id, and never break a line with them', () => {
    expect(shortId('0123456789')).toBe('012345')
    expect(shortId('ab')).toBe('ab')
    expect(shortId('a\nb\u2028')).toBe('a?b?')
  })

  it('tell how a script begins', () => {
    expect(shown(beginLines(CREATED, { script: 'run.js', host: 'node' }))).toBe(
      "[05/01/2024 12:00:00 > a1b2c3: SYS INFO] Run script 'run.js' with script host - 'NodeScriptHost'\r\n" +
        '[05/01/2024 12:00:00 > a1b2c3: SYS INFO] Status changed to Running\r\n',
    )
  })
})

describe('the end of a triggered run', () => {
  it('is a status when all went well', () => {
    expect(shown(triggeredEnd(run(), 'run.js'))).toBe(
      '[05/01/2024 12:00:03 > a1b2c3: SYS INFO] Status changed to Success\r\n',
    )
  })

  it('names the exit code', () => {
    const reason = { reasonCode: 'exit-code', reasonText: 'It ended with exit code 1.', exitCode: 1 }
    expect(shown(triggeredEnd(failed(reason), 'run.js'))).toBe(
      '[05/01/2024 12:00:03 > a1b2c3: SYS INFO] Status changed to Failed\r\n' +
        '[05/01/2024 12:00:03 > a1b2c3: SYS ERR ] Job failed due to exit code 1\r\n',
    )
  })

  it('tells of a run without output and CPU as of output of the job', () => {
    const reason = { reasonCode: 'idle', reasonText: 'It neither printed nor used CPU time for 2m1s.' }
    expect(shown(triggeredEnd(failed(reason), 'run.cmd'))).toBe(
      "[05/01/2024 12:00:03 > a1b2c3: ERR ] Command 'run.cmd' was aborted due to no output nor CPU activity for 121 " +
        'seconds. You can increase the SCM_COMMAND_IDLE_TIMEOUT app setting (or WEBJOBS_IDLE_TIMEOUT if this is a WebJob) ' +
        'if needed.\r\n' +
        '[05/01/2024 12:00:03 > a1b2c3: SYS INFO] Status changed to Failed\r\n' +
        '[05/01/2024 12:00:03 > a1b2c3: SYS ERR ] Job failed: It neither printed nor used CPU time for 2m1s.\r\n',
    )
  })

  it('is nothing for one that goes on, and no status for one that went with its server', () => {
    expect(triggeredEnd(run({ state: 'running', finishedAt: null }), 'run.js')).toEqual([])
    const reason = { reasonCode: 'lost', reasonText: 'The instance is gone.' }
    expect(shown(triggeredEnd(failed(reason), 'run.js'))).toBe(
      '[05/01/2024 12:00:03 > a1b2c3: SYS WARN] The instance is gone.\r\n',
    )
  })

  it('says why it was stopped', () => {
    const reason = { reasonCode: 'user', reasonText: 'Somebody stopped it.' }
    expect(shown(triggeredEnd(stopped(reason), 'run.js'))).toBe(
      '[05/01/2024 12:00:03 > a1b2c3: SYS WARN] Somebody stopped it.\r\n' +
        '[05/01/2024 12:00:03 > a1b2c3: SYS INFO] Status changed to Stopped\r\n',
    )
  })

  it('is followed by another attempt where the rules have it', () => {
    expect(shown(retryLines(FINISHED, { reasonCode: 'exit-code', reasonText: 'It ended.', exitCode: 3 }))).toBe(
      '[05/01/2024 12:00:03 > a1b2c3: SYS ERR ] Job failed due to exit code 3\r\n' +
        '[05/01/2024 12:00:03 > a1b2c3: SYS WARN] The run is tried again\r\n',
    )
  })
})

describe('a run of a continuous job', () => {
  const SYS = (time: string, text: string, level = 'INFO') => `[05/01/2024 ${time} > a1b2c3: SYS ${level}] ${text}\r\n`
  const alone = { again: false, singleton: false }

  it('begins with the status and the setting of the singleton', () => {
    expect(shown(continuousBegin({ run: run(), ...alone }))).toBe(
      SYS('12:00:00', 'Status changed to Starting') + SYS('12:00:00', 'WebJob singleton setting is False'),
    )
    expect(shown(continuousBegin({ run: run(), again: false, singleton: true }))).toBe(
      SYS('12:00:00', 'Status changed to Starting') +
        SYS('12:00:00', 'WebJob singleton setting is True') +
        SYS('12:00:00', 'WebJob singleton lock is acquired'),
    )
  })

  it('goes on after a wait without them, and gives up the lock in between', () => {
    expect(continuousBegin({ run: run(), again: true, singleton: false })).toEqual([])
    expect(shown(continuousBegin({ run: run(), again: true, singleton: true }))).toBe(
      SYS('12:00:00', 'WebJob singleton lock is released') + SYS('12:00:00', 'WebJob singleton lock is acquired'),
    )
  })

  it('ends with the wait for the next', () => {
    expect(shown(continuousEnd({ run: run(), ...alone }, 60_000))).toBe(
      SYS('12:00:03', 'Status changed to Success') +
        SYS('12:00:03', 'Process went down, waiting for 60 seconds') +
        SYS('12:00:03', 'Status changed to PendingRestart'),
    )
    const reason = { reasonCode: 'exit-code', reasonText: 'It ended with exit code 7.', exitCode: 7 }
    expect(shown(continuousEnd({ run: failed(reason), ...alone }, 0))).toBe(
      SYS('12:00:03', 'Job failed due to exit code 7', 'ERR ') +
        SYS('12:00:03', 'Process went down, waiting for 0 seconds') +
        SYS('12:00:03', 'Status changed to PendingRestart'),
    )
  })

  it('tells of its stop', () => {
    expect(shown(continuousEnd({ run: stopped({ reasonCode: 'user', exitCode: 0 }), ...alone }, 0))).toBe(
      SYS('12:00:03', 'Status changed to Disabling') +
        SYS('12:00:03', 'Status changed to Stopping') +
        SYS('12:00:03', 'Status changed to Success') +
        SYS('12:00:03', 'Status changed to Stopped'),
    )
    expect(shown(continuousEnd({ run: stopped({ reasonCode: 'redeployed' }), again: false, singleton: true }, 0))).toBe(
      SYS('12:00:03', 'Detected WebJob file/s were updated, refreshing WebJob') +
        SYS('12:00:03', 'Status changed to Stopping') +
        SYS('12:00:03', 'WebJob process was aborted') +
        SYS('12:00:03', 'WebJob singleton lock is released') +
        SYS('12:00:03', 'Status changed to Stopped'),
    )
    expect(shown(continuousEnd({ run: stopped({ reasonCode: 'shutdown', exitCode: 1 }), ...alone }, 0))).toBe(
      SYS('12:00:03', 'WebJob is stopping due to website shutting down') +
        SYS('12:00:03', 'Status changed to Stopping') +
        SYS('12:00:03', 'Job failed due to exit code 1', 'ERR ') +
        SYS('12:00:03', 'Status changed to Stopped'),
    )
  })

  it('says after an hour that it still runs, and then twice a day', () => {
    const day = 86_400_000
    expect(shown(stillRunningLines(CREATED, CREATED + day))).toBe(
      SYS('13:00:00', 'WebJob is still running') + SYS('01:00:00', 'WebJob is still running').replace('05/01', '05/02'),
    )
    expect(stillRunningLines(CREATED, CREATED + 3_600_000)).toEqual([])
  })
})
