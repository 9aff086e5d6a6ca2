import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { resolveConfig } from '../../src/config/resolve.ts'
import { flagOf, SETTINGS, settingKeys } from '../../src/config.ts'

const MACHINE = { cpus: 4, memory: 8 * 1024 ** 3, hostname: 'box', folder: '/srv' }

function resolve(flags: Readonly<Record<string, unknown>>, env: Readonly<Record<string, string>> = {}) {
  return resolveConfig({ flags, env, ...MACHINE })
}

/** Texts that a setting takes, by the name of its type. */
const SAMPLES: Readonly<Record<string, readonly string[]>> = {
  path: ['/a', '/b/c'],
  duration: ['20s', '1m', '1500ms'],
  size: ['1MB', '20MB', '256MB'],
  'size or none': ['4MB', 'none', '3GB'],
  number: ['1', '2', '77'],
  'number or none': ['1', 'none', '77'],
  switch: ['1', '0', 'yes', 'false'],
  name: ['a', 'b-1', 'x.y_z'],
  text: ['one', 'another', 'a-token-of-many-letters'],
  networks: ['public', 'loopback,private', 'none'],
}

/** Settings with texts that each takes; pairs of which both must be set are left to tests of their own. */
const cases = settingKeys()
  .filter((key) => !['tlsCert', 'tlsKey', 'adminToken', 'publicUrl', 'databaseUrl', 'logLevel'].includes(key))
  .map((key) => ({ key, variable: SETTINGS[key].variable, samples: SAMPLES[SETTINGS[key].type.name] ?? [] }))

function flagKey(variable: string): string {
  return flagOf(variable)
    .slice(2)
    .replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
}

describe('where a setting comes from', () => {
  test('every setting has samples to be tested with', () => {
    expect(cases.filter(({ samples }) => samples.length === 0)).toEqual([])
  })

  test('a flag comes before the environment, and that before the default, each setting by itself', () => {
    const choice = fc.record({ flag: fc.option(fc.nat()), env: fc.option(fc.nat()) })
    fc.assert(
      fc.property(fc.array(choice, { minLength: cases.length, maxLength: cases.length }), (choices) => {
        const flags: Record<string, string> = {}
        const env: Record<string, string> = {}
        const pick = (index: number, samples: readonly string[]) => samples[index % samples.length] ?? ''
        for (const [index, { variable, samples }] of cases.entries()) {
          const chosen = choices[index]
          if (chosen?.flag != null) flags[flagKey(variable)] = pick(chosen.flag, samples)
          if (chosen?.env != null) env[`JOBYARD_${variable}`] = pick(chosen.env, samples)
        }
        const config = resolve(flags, env)
        const defaults = resolve({ data: config.dataFolder })
        for (const [index, { key, variable, samples }] of cases.entries()) {
          const chosen = choices[index]
          const given = chosen?.flag ?? chosen?.env
          const source = chosen?.flag != null ? 'flag' : chosen?.env != null ? 'environment' : 'default'
          expect(config.sources[key], variable).toBe(source)
          if (given == null) expect(config[key], variable).toEqual(defaults[key])
          else expect(config[key]).toEqual(SETTINGS[key].type.read(pick(given, samples), MACHINE.folder))
        }
      }),
      { numRuns: 60 },
    )
  })

  test('an empty variable counts as not set', () => {
    expect(resolve({}, { JOBYARD_PORT: '' }).sources.port).toBe('default')
  })

  test('what is shown of a value is read as the same value again', () => {
    const { shown, ...config } = resolve({ drain: '90s', outputLimit: '1536KB', jobMemory: 'none', behindProxy: true })
    for (const { key } of cases) {
      if (config[key] === null) continue
      expect(SETTINGS[key].type.read(shown[key], MACHINE.folder)).toEqual(config[key])
    }
  })

  test('defaults follow the machine', () => {
    expect(resolve({})).toMatchObject({
      host: '127.0.0.1',
      port: 7780,
      dataFolder: '/srv/jobyard-data',
      keyFile: '/srv/jobyard-data/key',
      concurrency: 16,
      instance: 'box',
      jobMemoryBytes: 4 * 1024 ** 3,
    })
    const small = { flags: {}, env: {}, cpus: 1, memory: 300 * 1024 ** 2, hostname: '--', folder: '/srv' }
    expect(resolveConfig(small)).toMatchObject({
      concurrency: 8,
      jobMemoryBytes: 256 * 1024 ** 2,
      instance: 'jobyard',
    })
  })

  test('the key file lies in whatever data folder there is', () => {
    expect(resolve({ data: 'here' }).keyFile).toBe('/srv/here/key')
    expect(resolve({ data: 'here', keyFile: '/etc/key' }).keyFile).toBe('/etc/key')
  })
})
