import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JsonValue } from '../../src/kinds/script/lenient-json.ts'
import { readSettingsJob } from '../../src/kinds/script/settings-job.ts'
import { readRules } from '../../src/kinds/script/settings-rules.ts'

test('all that can stand under jobyard is read', () => {
  const { rules, warnings } = readRules({
    timeZone: 'w. europe standard time',
    overlap: 'queue',
    queueDepth: 5,
    retry: { attempts: 4, delay: '10s', factor: 3 },
    timeout: '5m',
    misfire: { kind: 'all', window: '2h' },
    onCrash: 'retry',
    keepRuns: 20,
    keepAge: '30d',
    restart: { delay: '5s', backoff: { factor: 2, max: '10m' } },
    stopSignal: 'at-once',
    limits: { memory: '512MB', processes: 20, idleTimeout: '10m', output: '1MB' },
  })
  expect(warnings).toEqual([])
  expect(rules).toEqual({
    timeZone: 'Europe/Berlin',
    policy: {
      overlap: 'queue',
      queueDepth: 5,
      retry: { kind: 'exponential', attempts: 4, delayMs: 10_000, factor: 3, maxDelayMs: 3_600_000, jitter: 0.2 },
      timeoutMs: 300_000,
      misfire: { kind: 'all', windowMs: 7_200_000 },
      onCrash: 'retry',
      keepRuns: 20,
      keepAgeMs: 30 * 86_400_000,
      restart: { delayMs: 5000, backoff: { factor: 2, maxMs: 600_000 } },
      outputBytes: 1024 * 1024,
    },
    limits: { memory: '512MB', processes: 20, idleTimeout: '10m', stopSignal: 'at-once' },
  })
})

test('short forms are taken', () => {
  expect(readRules({ misfire: 'skip', restart: '10s', retry: { attempts: 2 }, timeout: null })).toEqual({
    warnings: [],
    rules: {
      policy: {
        misfire: { kind: 'skip', windowMs: 600_000 },
        restart: { delayMs: 10_000 },
        retry: { kind: 'fixed', attempts: 2, delayMs: 30_000 },
        timeoutMs: null,
      },
      limits: {},
    },
  })
})

test.each<[string, { [key: string]: JsonValue }, string]>([
  ['overlap', { overlap: 'que' }, 'one of forbid, queue'],
  ['timeout', { timeout: 5 }, 'a duration'],
  ['timeout', { timeout: 'soon' }, 'a duration'],
  ['timeout', { timeout: '0s' }, 'a duration longer than 0'],
  ['limits.idleTimeout', { limits: { idleTimeout: '0s' } }, 'a duration longer than 0'],
  ['keepRuns', { keepRuns: 0 }, 'a whole number from 1'],
  ['timeZone', { timeZone: 'Mars/Olympus' }, 'a time zone'],
  ['retry', { retry: 3 }, 'an object'],
  ['retry', { retry: { delay: '5s' } }, 'attempts'],
  ['misfire', { misfire: 'never' }, 'one of skip'],
  ['restart', { restart: [] }, 'a duration'],
  ['limits', { limits: '512MB' }, 'an object'],
  ['limits.memory', { limits: { memory: 512, processes: 3 } }, 'a size'],
  ['limits.memory', { limits: { memory: '1MB', processes: 3 } }, 'a size of at least 4MB'],
])('a wrong %s is left out with a warning: %j', (field, said, expected) => {
  const { rules, warnings } = readRules({ ...said, onCrash: 'retry' })
  expect(warnings).toMatchObject([{ code: 'settings-ignored', field: `jobyard.${field}` }])
  expect(warnings[0]?.message).toContain(expected)
  // What is right beside it counts.
  expect(rules.policy).toEqual({ onCrash: 'retry' })
  expect(rules.limits).toEqual(field === 'limits.memory' ? { processes: 3 } : {})
})

test('what nobody knows is told, with what was probably meant', () => {
  const { warnings } = readRules({ timezone: 'UTC', limits: { memry: '1GB' }, retry: { attempts: 2, dely: '5s' } })
  expect(warnings.map(({ field, message }) => [field, message])).toEqual([
    ['jobyard.timezone', expect.stringContaining('Did you mean timeZone?')],
    ['jobyard.limits.memry', expect.stringContaining('Did you mean memory?')],
    ['jobyard.retry.dely', expect.stringContaining('Did you mean delay?')],
  ])
})

test('whatever stands there, it is read or told', () => {
  const name = fc.constantFrom(
    'overlap',
    'retry',
    'timeout',
    'misfire',
    'restart',
    'limits',
    'timeZone',
    'keepRuns',
    'x',
  )
  fc.assert(
    fc.property(fc.dictionary(name, fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<JsonValue>), (said) => {
      const { warnings } = readSettingsJob(Buffer.from(JSON.stringify({ jobyard: said })))
      for (const { field = '' } of warnings) expect(field).toMatch(/^jobyard\./)
      if (Object.hasOwn(said, 'x')) expect(warnings.length).toBeGreaterThan(0)
    }),
  )
})

test('a warning shows a value as it was written', () => {
  const { warnings } = readSettingsJob(Buffer.from('{"is_singleton": "yes", "jobyard": {"overlap": "QUEUE\\u0007"}}'))
  expect(warnings.map(({ message }) => message)).toEqual([
    expect.stringContaining('jobyard.overlap in settings.job is "QUEUE\\u0007", not one of'),
    'is_singleton in settings.job is "yes", not true or false; its default is used.',
  ])
})
