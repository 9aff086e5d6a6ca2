import { describe, expect, test } from 'vitest'
import { resolveConfig } from '../../src/config/resolve.ts'
import { JobyardError } from '../../src/domain/errors.ts'
import { nearest } from '../../src/domain/spelling.ts'

const MACHINE = { cpus: 4, memory: 8 * 1024 ** 3, hostname: 'box', folder: '/srv' }

function refusal(flags: Readonly<Record<string, unknown>>, env: Readonly<Record<string, string>>): JobyardError {
  try {
    resolveConfig({ flags, env, ...MACHINE })
  } catch (error) {
    if (error instanceof JobyardError) return error
    throw error
  }
  throw new Error('It was taken.')
}

describe('settings that are refused', () => {
  test.each([
    ['JOBYARD_PROT', 'JOBYARD_PORT'],
    ['JOBYARD_DATABSE_URL', 'JOBYARD_DATABASE_URL'],
    ['JOBYARD_CONCURENCY', 'JOBYARD_CONCURRENCY'],
    ['JOBYARD_port', 'JOBYARD_PORT'],
  ])('%s is unknown, and %s is what was probably meant', (name, meant) => {
    const error = refusal({}, { [name]: 'x' })
    expect(error).toMatchObject({ code: 'setting-unknown', field: name, exit: 2 })
    expect(error.message).toContain(name)
    expect(error.hint).toContain(`Did you mean ${meant}?`)
  })

  test('the hint for a number names one that people may mean', () => {
    expect(refusal({ port: 'abc' }, {}).hint).toBe('Write a number, such as 7780.')
    expect(refusal({}, { JOBYARD_CONCURRENCY: 'many' }).hint).toBe('Write a number, such as 16.')
  })

  test('a name that is like no other gets no guess', () => {
    expect(refusal({}, { JOBYARD_XYZZY_PLUGH: '1' }).hint).not.toContain('Did you mean')
  })

  test('the variables of the command line and of jobs are nobody’s settings and refused by nobody', () => {
    const foreign = ['URL', 'TOKEN', 'MARK', 'RUN_ID', 'SHUTDOWN_FILE', 'JOB_PORT', 'PAYLOAD_FILE', 'PATH']
    const env = Object.fromEntries(foreign.map((name) => [`JOBYARD_${name}`, 'x']))
    expect(() => resolveConfig({ flags: {}, env: { ...env, OTHER: 'x' }, ...MACHINE })).not.toThrow()
  })

  test.each([
    ['PORT', '65536', /0 to 65535/],
    ['PORT', '80a', /whole number/],
    ['JOB_MEMORY', '1B', /too little/],
    ['DRAIN', '30', /no duration/],
    ['LEASE', '10ms', /too short/],
    ['UPLOAD_LIMIT', '10', /unit/],
    ['UPLOAD_LIMIT', '0MB', /too little/],
    ['CONCURRENCY', '0', /from 1/],
    ['LOG_LEVEL', 'loud', /fatal, error, warn/],
    ['BEHIND_PROXY', 'perhaps', /neither yes nor no/],
    ['PUBLIC_URL', 'jobs.example.com', /no web address/],
    ['DATABASE_URL', 'mysql://x', /PostgreSQL/],
    ['ADMIN_TOKEN', 'short', /token/],
    ['INSTANCE', 'two words', /name/],
    ['JOB_MEMORY', 'much', /no size/],
    ['HOST', '  ', /empty/],
  ])('JOBYARD_%s cannot be %s', (variable, value, message) => {
    const name = `JOBYARD_${variable}`
    const error = refusal({}, { [name]: value })
    expect(error).toMatchObject({ code: 'setting-invalid', field: name, exit: 2 })
    expect(error.message).toMatch(message)
    expect(error.hint).not.toBe('')
  })

  test('a flag at fault is named as a flag', () => {
    expect(refusal({ databaseUrl: 'x' }, {}).field).toBe('--database-url')
  })

  test('a secret is not repeated in the refusal', () => {
    const token = 'only nineteen chars'
    expect(refusal({}, { JOBYARD_ADMIN_TOKEN: token }).message).not.toContain(token)
    const url = 'postgres//u:topsecret@h/d'
    expect(refusal({}, { JOBYARD_DATABASE_URL: url }).message).not.toContain('topsecret')
  })

  test('half a TLS pair names the missing half', () => {
    expect(refusal({ tlsCert: 'a.pem' }, {})).toMatchObject({ code: 'setting-invalid', field: 'JOBYARD_TLS_KEY' })
    expect(refusal({ tlsKey: 'a.pem' }, {})).toMatchObject({ code: 'setting-invalid', field: 'JOBYARD_TLS_CERT' })
  })
})

test.each(['1B', '15KB', '257MB', '3GB'])('a body of %s at the most is refused, with the bounds', (size) => {
  const error = refusal({}, { JOBYARD_BODY_LIMIT: size })
  expect(error).toMatchObject({ code: 'setting-invalid', field: 'JOBYARD_BODY_LIMIT' })
  expect(error.message).toContain('from 16KB to 256MB')
})

describe('the word that was meant', () => {
  test('is the nearest one within a few letters', () => {
    expect(nearest('stauts', ['status', 'start'])).toBe('status')
    expect(nearest('prot', ['port', 'host'])).toBe('port')
    expect(nearest('zzzz', ['port', 'host'])).toBeUndefined()
    expect(nearest('a', [])).toBeUndefined()
  })
})
