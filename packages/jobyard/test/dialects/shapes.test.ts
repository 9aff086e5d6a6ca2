import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readFileName } from '../../src/dialects/kudu/upload.ts'
import { armItem } from '../../src/dialects/webjobs/arm-items.ts'
import { showDate, showTimeSpan } from '../../src/dialects/webjobs/net-time.ts'
import { type ContinuousFacts, continuousStatus, runStatus } from '../../src/dialects/webjobs/statuses.ts'
import { shortName } from '../../src/domain/instance-name.ts'
import { namesTag } from '../../src/dialects/webjobs/tags.ts'
import type { RunRow } from '../../src/domain/model.ts'
import { readRunId, showRunId } from '../../src/domain/webjobs-run-id.ts'
import { firstIdAt } from '../../src/store/procedures/page-runs.ts'

describe('times as .NET writes them', () => {
  it('has a fraction without zeros at its end', () => {
    expect(showDate(Date.UTC(2024, 4, 1, 12, 0, 0))).toBe('2024-05-01T12:00:00Z')
    expect(showDate(Date.UTC(2024, 4, 1, 12, 0, 3, 500))).toBe('2024-05-01T12:00:03.5Z')
    expect(showDate(Date.UTC(2024, 4, 1, 12, 0, 10, 120))).toBe('2024-05-01T12:00:10.12Z')
    expect(showDate(Date.UTC(2024, 4, 1, 12, 0, 0, 7))).toBe('2024-05-01T12:00:00.007Z')
    expect(showDate(Date.UTC(2024, 4, 10, 10, 10, 10))).toBe('2024-05-10T10:10:10Z')
    expect(showDate(null)).toBe('0001-01-01T00:00:00')
  })

  it('names the same moment', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 4e12 }), (time) => Date.parse(showDate(time)) === time))
  })

  it('writes a span with days and seven digits only where there are any', () => {
    expect(showTimeSpan(0)).toBe('00:00:00')
    expect(showTimeSpan(3376)).toBe('00:00:03.3760000')
    expect(showTimeSpan(59_000)).toBe('00:00:59')
    expect(showTimeSpan(3_600_000 * 23 + 59 * 60_000)).toBe('23:59:00')
    expect(showTimeSpan(86_400_000)).toBe('1.00:00:00')
    expect(showTimeSpan(86_400_000 * 12 + 1)).toBe('12.00:00:00.0010000')
    // The clock was put back.
    expect(showTimeSpan(-5)).toBe('00:00:00')
  })
})

describe('ids of runs', () => {
  const anyTime = fc.integer({ min: 0, max: 4e12 })
  const id = (time: number) => firstIdAt(time)

  it('has eighteen digits that lead back to the run', () => {
    fc.assert(
      fc.property(anyTime, fc.integer({ min: 1, max: 1e9 }), (time, number) => {
        const shown = showRunId({ id: id(time), number })
        return /^\d{18}$/.test(shown) && readRunId(shown)?.madeAt === time && readRunId(shown)?.digit === number % 10
      }),
    )
  })

  it('sorts as the runs were made', () => {
    fc.assert(
      fc.property(anyTime, anyTime, (one, other) => {
        const [first, second] = [Math.min(one, other), Math.max(one, other)]
        return first === second || showRunId({ id: id(first), number: 9 }) < showRunId({ id: id(second), number: 1 })
      }),
    )
  })

  it('are told from what is none', () => {
    expect(showRunId({ id: id(Date.UTC(2024, 4, 1, 12, 0, 0, 123)), number: 14 })).toBe('202405011200001234')
    for (const text of ['', 'latest', '20240501120000123', '202413011200001234', '202405011200001234x', '２']) {
      expect(readRunId(text), text).toBeUndefined()
    }
  })
})

describe('the status of a run', () => {
  const of = (state: RunRow['state'], reasonCode: string | null = null, startedAt: number | null = 1) =>
    runStatus({ state, reasonCode, startedAt })

  it('is one that WebJobs know', () => {
    expect(of('pending', null, null)).toBe('Initializing')
    expect(of('pending')).toBe('Running')
    for (const state of ['running', 'suspended', 'stopping', 'blocked'] as const) expect(of(state)).toBe('Running')
    expect(of('completed')).toBe('Success')
    expect(of('failed', 'exit-code')).toBe('Failed')
    expect(of('failed', 'lost')).toBe('Aborted')
    expect(of('stopped', 'user')).toBe('Stopped')
    expect(of('stopped', 'shutdown')).toBe('Aborted')
  })
})

describe('the status of a continuous job', () => {
  const [a, b] = [shortName('a'), shortName('b')]
  const instances = [
    { id: 'id-a', name: 'a' },
    { id: 'id-b', name: 'b' },
  ]
  const run = (id: string, owner: string, state: RunRow['state']) => ({ id, owner, state }) as RunRow
  const place = (name: string, runId: string | null, restartAt: number | null = null) => ({
    jobId: 'job',
    place: name,
    runId,
    startedAt: null,
    restartAt,
    quickEnds: 0,
    starts: 1,
  })
  const facts = (some: Partial<ContinuousFacts>): ContinuousFacts => ({
    enabled: true,
    singleton: false,
    places: [],
    runs: [],
    instances,
    here: 'a',
    instanceId: null,
    ...some,
  })
  /** Lines by the order of the short names. */
  const lines = (ofA: string, ofB: string) => [`${a} - ${ofA}\r\n`, `${b} - ${ofB}\r\n`].toSorted().join('')

  it('is Initializing until an instance takes it up', () => {
    expect(continuousStatus(facts({}))).toEqual({ status: 'Initializing', detail: `${a} - Initializing` })
  })

  it('has a line for each instance', () => {
    const places = [place('a', 'one'), place('b', null, 99), place('gone', 'old')]
    const { detail } = continuousStatus(facts({ places, runs: [run('one', 'id-a', 'running')] }))
    expect(detail).toBe(lines('Running', 'PendingRestart'))
  })

  it('is that of the holder when it runs once', () => {
    const singleton = { singleton: true, places: [place('*', 'one')] }
    const running = continuousStatus(facts({ ...singleton, runs: [run('one', 'id-b', 'running')] }))
    expect(running).toEqual({ status: 'Running', detail: lines('InactiveInstance', 'Running') })
    const waiting = continuousStatus(facts({ singleton: true, places: [place('*', null, 99)] }))
    expect(waiting).toEqual({ status: 'PendingRestart', detail: lines('PendingRestart', 'InactiveInstance') })
  })

  it('calls the only instance as its setting says', () => {
    const only = { instances: instances.slice(0, 1), places: [place('a', null, 99)], instanceId: 'abcdef0123' }
    expect(continuousStatus(facts(only)).detail).toBe('abcdef - PendingRestart\r\n')
    expect(continuousStatus(facts({ ...only, places: [] })).detail).toBe('abcdef - Initializing')
    expect(continuousStatus(facts({ ...only, instances })).detail).toBe(lines('PendingRestart', 'Starting'))
  })

  it('goes from Disabling over Stopping to Stopped', () => {
    const off = { enabled: false, places: [place('a', 'one'), place('b', null)] }
    const at = (state: RunRow['state']) => continuousStatus(facts({ ...off, runs: [run('one', 'id-a', state)] })).detail
    expect(at('running')).toBe(lines('Disabling', 'Stopped'))
    expect(at('stopping')).toBe(lines('Stopping', 'Stopped'))
    expect(continuousStatus(facts({ enabled: false }))).toEqual({
      status: 'Stopped',
      detail: lines('Stopped', 'Stopped'),
    })
  })
})

describe('small rules of the wire', () => {
  it('knows a tag among several, weak ones too', () => {
    expect(namesTag('"a"', '"a"')).toBe(true)
    expect(namesTag('"b", W/"a"', '"a"')).toBe(true)
    expect(namesTag('*', '"a"')).toBe(true)
    expect(namesTag('"b"', '"a"')).toBe(false)
    expect(namesTag(undefined, '"a"')).toBe(false)
  })

  it('reads the plain name of a file', () => {
    expect(readFileName('attachment; filename=run.cmd')).toBe('run.cmd')
    expect(readFileName('attachment; filename="a b.sh"; size=3')).toBe('a b.sh')
    expect(readFileName('filename=run.cmd')).toBeUndefined()
    expect(readFileName("attachment; filename*=UTF-8''run.sh")).toBeUndefined()
    expect(readFileName('attachment; filename="dir/"')).toBeUndefined()
  })

  it('reads the name of a file in all its letters', () => {
    const sent = (text: string) => readFileName(Buffer.from(text).toString('latin1'))
    expect(sent('attachment; filename="täst.sh"')).toBe('täst.sh')
    expect(sent('attachment; filename=日本語.sh')).toBe('日本語.sh')
    expect(readFileName('attachment; filename="t\u00e4st.sh"')).toBe('täst.sh')
    expect(readFileName(`attachment; filename="=?utf-8?B?${btoa('run.sh')}?="`)).toBe('run.sh')
    const word = Buffer.from('täst.cmd').toString('base64')
    expect(readFileName(`attachment; filename="=?UTF-8?b?${word}?="`)).toBe('täst.cmd')
  })

  it('reads the name of a file where it is, and not within another value', () => {
    expect(readFileName('form-data; name="x; filename=evil.sh"; filename=good.sh')).toBe('good.sh')
    expect(readFileName('form-data; name="x"; FileName="good.sh"; filename=late.sh')).toBe('good.sh')
    expect(readFileName('attachment; filename="a \\"quoted\\" name.sh"')).toBe('a "quoted" name.sh')
    expect(readFileName('attachment; filename="C:\\jobs\\run.sh"')).toBe('run.sh')
    expect(readFileName('attachment; filename="C:\\jobs\\"')).toBeUndefined()
    expect(readFileName('attachment; xfilename=run.sh')).toBeUndefined()
  })

  it('builds name and type of an item from its path', () => {
    const path = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/shop/slots/blue/triggeredwebjobs'
    expect(armItem({ path, location: 'x' }, {}, 'report')).toEqual({
      id: `${path}/report`,
      name: 'shop/blue/report',
      type: 'Microsoft.Web/sites/slots/triggeredwebjobs',
      location: 'x',
      properties: {},
    })
  })
})
