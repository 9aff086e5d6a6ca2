import fc from 'fast-check'
import { expect, test } from 'vitest'
import { JsonFault, readJsonObject } from '../../src/kinds/script/lenient-json.ts'
import { LARGEST_SETTINGS, readSettingsJob, type SettingsJob } from '../../src/kinds/script/settings-job.ts'
import { refusal } from './fixtures.ts'

function read(text: string): SettingsJob {
  return readSettingsJob(Buffer.from(text))
}

test('all known keys are read, and unknown ones are kept', () => {
  const settings = read(`{
    "is_singleton": true,
    "is_in_place": false,
    "stopping_wait_time": 60,
    "schedule": "0 */15 * * * *",
    "jobyard": { "retry": { "attempts": 3 } },
    "team": ["a", null, 1.5]
  }`)
  expect(settings).toEqual({
    isSingleton: true,
    isInPlace: false,
    stoppingWaitMs: 60_000,
    schedule: '0 */15 * * * *',
    jobyard: { retry: { attempts: 3 } },
    rules: { policy: { retry: { kind: 'fixed', attempts: 3, delayMs: 30_000 } }, limits: {} },
    all: {
      is_singleton: true,
      is_in_place: false,
      stopping_wait_time: 60,
      schedule: '0 */15 * * * *',
      jobyard: { retry: { attempts: 3 } },
      team: ['a', null, 1.5],
    },
    warnings: [],
  })
})

test('an empty object says nothing', () => {
  expect(read(' {} \n')).toMatchObject({ isSingleton: undefined, schedule: undefined, all: {}, warnings: [] })
})

test('comments, a comma too many and a byte order mark are tolerated', () => {
  const text = '\ufeff// first\n{ /* why */ "schedule": "0 0 3 * * *", // nightly\n "list": [1, 2,], }\n/* end */'
  expect(read(text).all).toEqual({ schedule: '0 0 3 * * *', list: [1, 2] })
})

test.each([
  ['is_singleton', '"true"', 'true or false'],
  ['is_singleton', '1', 'true or false'],
  ['is_in_place', 'null', 'true or false'],
  ['stopping_wait_time', '"5"', 'a whole number of seconds'],
  ['stopping_wait_time', '5.0', 'a whole number of seconds'],
  ['stopping_wait_time', '5e0', 'a whole number of seconds'],
  ['stopping_wait_time', '-5', 'a whole number of seconds'],
  ['stopping_wait_time', '86401', 'a whole number of seconds'],
  ['schedule', '15', 'a text'],
  ['jobyard', '[]', 'an object'],
  ['jobyard', 'null', 'an object'],
])('%s with the value %s is ignored with a warning', (key, value, expected) => {
  const settings = read(`{"${key}": ${value}}`)
  expect(settings.warnings).toHaveLength(1)
  expect(settings.warnings[0]).toMatchObject({ code: 'settings-ignored', field: key })
  expect(settings.warnings[0]?.message).toContain(`not ${expected}`)
  expect([
    settings.isSingleton,
    settings.isInPlace,
    settings.stoppingWaitMs,
    settings.schedule,
    settings.jobyard,
  ]).toEqual(Array(5).fill(undefined))
  expect(settings.all).toHaveProperty(key)
})

test.each([
  ['', 1, 1, 'begins with {'],
  ['schedule: x', 1, 1, 'begins with {'],
  ['[]', 1, 1, 'begins with {'],
  ['{"a": 1', 1, 8, 'text ends'],
  ['{\n  "a": 1\n  "b": 2\n}', 3, 3, '"," or "}"'],
  ['{\n  schedule: 1 }', 2, 3, 'in double quotes'],
  ["{'a': 1}", 1, 2, 'in double quotes'],
  ['{"a" 1}', 1, 6, '":" is expected after the name "a"'],
  ['{"a": tru}', 1, 7, 'a value is expected'],
  ['{"a": 01}', 1, 7, 'a value is expected'],
  ['{"a": 1.}', 1, 7, 'a value is expected'],
  ['{"a": NaN}', 1, 7, 'a value is expected'],
  ['{"a": }', 1, 7, 'a value is expected'],
  ['{"a": "x}', 1, 7, 'does not end on its line'],
  ['{"a": "x\ny"}', 1, 7, 'does not end on its line'],
  ['{"a": "\\q"}', 1, 7, 'wrong escape'],
  ['{"a": 1, , }', 1, 10, 'in double quotes'],
  ['{"a": [,]}', 1, 8, 'a value is expected'],
  ['{} {}', 1, 4, 'nothing more'],
  ['{\r\n"a": 1 /* no end', 2, 8, 'comment begins here'],
  [`{"a": ${'['.repeat(100)}}`, 1, 71, 'more than 64 deep'],
])('%j is refused at line %i, column %i', async (text, line, column, why) => {
  const error = await refusal(() => read(text), 'settings-invalid')
  expect(error).toMatchObject({ status: 400, field: 'settings.job', data: { line, column } })
  expect(error.message).toContain(`line ${line}, column ${column}`)
  expect(error.message).toContain(why)
})

test('what is no text, or too large, is refused', async () => {
  await refusal(() => readSettingsJob(Buffer.from([0x7b, 0xff, 0x7d])), 'settings-invalid')
  await refusal(() => readSettingsJob(Buffer.alloc(LARGEST_SETTINGS + 1, ' ')), 'settings-invalid')
})

test('a wrong schedule counts as none, with a warning that names its place and what to write', () => {
  const wrong = read('{\n"schedule": "0 0 25 * * *", "is_in_place": true}')
  expect(wrong).toMatchObject({ schedule: undefined, isInPlace: true })
  expect(wrong.warnings).toMatchObject([{ code: 'schedule-invalid', field: 'schedule', position: 4 }])
  expect(wrong.warnings[0]?.message).toContain('line 2')
  expect(read('{"schedule": "*/5 * * * *"}').warnings[0]?.message).toContain('0 */5 * * * *')
})

test('what is doubtful in a schedule is a warning', () => {
  expect(read('{"schedule": "0 5/1 * * * *"}').warnings).toMatchObject([
    { code: 'azure-single-value', field: 'schedule' },
  ])
})

test('names that mean something to JavaScript are names like others', () => {
  const settings = read('{"__proto__": {"is_singleton": true}, "constructor": 1, "a": {"__proto__": 2}}')
  expect(settings.isSingleton).toBeUndefined()
  expect(Object.keys(settings.all)).toEqual(['__proto__', 'constructor', 'a'])
  expect(Object.keys(Object(settings.all.a))).toEqual(['__proto__'])
  expect(Object.getPrototypeOf(settings.all)).toBe(Object.prototype)
})

test('whatever JSON makes is read as JSON reads it', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(undefined, 1, '\t'), (value, space) => {
      const text = JSON.stringify(value, null, space)
      const members = [...readJsonObject(text)].map(([key, member]) => [key, member.value])
      expect(Object.fromEntries(members)).toEqual(JSON.parse(text))
      for (const member of readJsonObject(text).values()) {
        expect(text.slice(member.position, member.position + member.text.length)).toBe(member.text)
        expect(JSON.parse(member.text)).toEqual(member.value)
        expect(JSON.parse(member.json)).toEqual(member.value)
      }
    }),
  )
})

test('whatever the text, it is read or refused with a place in it', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '"',
    ':',
    ',',
    '1',
    '-',
    '.',
    'e',
    'true',
    'null',
    '//',
    '/*',
    '*/',
    '\n',
    ' ',
    '\\',
    'a',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const text = `{${pieces.join('')}`
      try {
        readJsonObject(text)
      } catch (error) {
        expect(error).toBeInstanceOf(JsonFault)
        const { position } = error as JsonFault
        expect(position >= 0 && position <= text.length).toBe(true)
      }
    }),
    { numRuns: 2000 },
  )
})
