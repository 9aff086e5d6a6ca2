import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import {
  buildEnvironment,
  checkSettings,
  type EnvironmentInput,
  LARGEST_ENVIRONMENT,
} from '../../src/kinds/script/environment.ts'
import { refusal } from './fixtures.ts'

const INPUT: EnvironmentInput = {
  server: {},
  platform: 'linux',
  path: '/usr/bin:/bin',
  userName: 'nobody',
  job: { id: 'job-1', name: 'nightly-report', type: 'triggered', collection: 'default' },
  run: {
    id: 'run-1',
    webjobsId: '202611210200000001',
    taskId: 'task-1',
    attempt: 2,
    trigger: 'schedule',
    arguments: '"a b" c',
  },
  folders: { work: '/w', data: '/d', home: '/h', temporary: '/t' },
  shutdownFile: '/s/stop',
  instance: 'one',
  slot: 'production',
  webRoot: '/w',
  appSettings: {},
  settings: {},
}

test('the environment of a triggered run, whole', () => {
  expect(buildEnvironment({ ...INPUT, payloadFile: '/s/payload' })).toEqual({
    LANG: 'C.UTF-8',
    PATH: '/usr/bin:/bin',
    HOME: '/h',
    TMPDIR: '/t',
    USER: 'nobody',
    LOGNAME: 'nobody',
    SHELL: '/bin/sh',
    PYTHONUNBUFFERED: '1',
    WEBSITE_SITE_NAME: 'default',
    WEBSITE_SLOT_NAME: 'production',
    WEBROOT_PATH: '/w',
    JOBYARD_WEBROOT_PATH: '/w',
    'WEBSITE_TRIGGERED_JOB_RUNNING_nightly-report': 'true',
    WEBSITE_INSTANCE_ID: 'one',
    WEBJOBS_PATH: '/w',
    WEBJOBS_NAME: 'nightly-report',
    WEBJOBS_TYPE: 'triggered',
    WEBJOBS_DATA_PATH: '/d',
    WEBJOBS_RUN_ID: '202611210200000001',
    WEBJOBS_COMMAND_ARGUMENTS: '"a b" c',
    WEBJOBS_SHUTDOWN_FILE: '/s/stop',
    JOBYARD_PATH: '/w',
    JOBYARD_NAME: 'nightly-report',
    JOBYARD_TYPE: 'triggered',
    JOBYARD_DATA_PATH: '/d',
    JOBYARD_RUN_ID: 'run-1',
    JOBYARD_COMMAND_ARGUMENTS: '"a b" c',
    JOBYARD_SHUTDOWN_FILE: '/s/stop',
    JOBYARD_JOB_ID: 'job-1',
    JOBYARD_COLLECTION: 'default',
    JOBYARD_TASK_ID: 'task-1',
    JOBYARD_ATTEMPT: '2',
    JOBYARD_TRIGGER: 'schedule',
    JOBYARD_INSTANCE: 'one',
    JOBYARD_PAYLOAD_FILE: '/s/payload',
  })
})

test('a continuous job has its own marker, an empty run id and a port', () => {
  const environment = buildEnvironment({ ...INPUT, job: { ...INPUT.job, type: 'continuous' }, port: 4711 })
  expect(environment).toMatchObject({
    'WEBSITE_ALWAYS_ON_JOB_RUNNING_nightly-report': 'true',
    WEBJOBS_TYPE: 'continuous',
    WEBJOBS_RUN_ID: '',
    WEBJOBS_PORT: '4711',
    JOBYARD_RUN_ID: 'run-1',
    JOBYARD_JOB_PORT: '4711',
  })
  expect(environment).not.toHaveProperty('WEBSITE_TRIGGERED_JOB_RUNNING_nightly-report')
  expect(environment).not.toHaveProperty('JOBYARD_PORT')
})

test('of the server nothing comes through but language and zone', () => {
  const server = {
    LANG: 'de_DE.UTF-8',
    LC_ALL: 'C',
    LC_TIME: 'en_GB.UTF-8',
    TZ: 'Europe/Berlin',
    PATH: '/root/bin',
    HOME: '/root',
    USER: 'root',
    TMPDIR: '/root/tmp',
    AWS_SECRET_ACCESS_KEY: 'secret',
    JOBYARD_ADMIN_TOKEN: 'secret',
    JOBYARD_DATABASE_URL: 'secret',
    NODE_OPTIONS: '--require secret',
    LD_PRELOAD: 'secret',
    lc_all: 'secret',
    npm_config_token: 'secret',
  }
  const environment = buildEnvironment({ ...INPUT, server })
  expect(JSON.stringify(environment)).not.toMatch(/secret|root/)
  expect(environment).toMatchObject({ LANG: 'de_DE.UTF-8', LC_ALL: 'C', LC_TIME: 'en_GB.UTF-8', TZ: 'Europe/Berlin' })
})

test("the job's settings win over the allow list, and lose against what describes the run", () => {
  const settings = {
    PATH: '/opt/bin',
    HOME: '/elsewhere',
    LANG: 'C',
    GREETING: 'a=b "c"\n',
    WEBJOBS_NAME: 'x',
    JOBYARD_RUN_ID: 'x',
    WEBJOBS_IDLE_TIMEOUT: '60',
  }
  expect(buildEnvironment({ ...INPUT, settings })).toMatchObject({
    PATH: '/opt/bin',
    HOME: '/elsewhere',
    LANG: 'C',
    GREETING: 'a=b "c"\n',
    WEBJOBS_NAME: 'nightly-report',
    JOBYARD_RUN_ID: 'run-1',
    WEBJOBS_IDLE_TIMEOUT: '60',
  })
})

test.each([
  ['', 'x', 'has no name'],
  ['A=B', 'x', 'has "=" in its name'],
  ['A\0B', 'x', 'NUL in its name'],
  ['A', 'x\0y', 'NUL in its value'],
  ['JOBYARD_MARK', 'x', 'reserved'],
  ['jobyard_mark', 'x', 'reserved'],
])('the setting %j is refused', async (name, value, why) => {
  const settings = { FINE: '1', [name]: value }
  const error = await refusal(() => buildEnvironment({ ...INPUT, settings }), 'environment-invalid')
  expect(error).toMatchObject({ status: 400, field: `settings.${name}` })
  expect(error.message).toContain(why)
  await refusal(() => checkSettings(settings), 'environment-invalid')
})

test('the size is bounded, and the error names the largest variable', async () => {
  const size = (environment: Record<string, string>): number =>
    Object.entries(environment).reduce((sum, [name, value]) => sum + Buffer.byteLength(`${name}=${value}\0`), 0)
  const room = LARGEST_ENVIRONMENT - size(buildEnvironment({ ...INPUT, settings: { BIG: '' } }))
  expect(size(buildEnvironment({ ...INPUT, settings: { BIG: 'ä'.repeat(Math.floor(room / 2)) } }))).toBeLessThanOrEqual(
    LARGEST_ENVIRONMENT,
  )
  const error = await refusal(
    () => buildEnvironment({ ...INPUT, settings: { BIG: 'x'.repeat(room + 1) } }),
    'environment-invalid',
  )
  expect(error.message).toContain(`${LARGEST_ENVIRONMENT + 1} bytes`)
  expect(error.message).toContain('The largest variable is BIG')
})

test.skipIf(process.platform === 'win32')('a real process gets just that', async () => {
  const settings = { GREETING: 'hello\nworld', EMPTY: '' }
  const env = buildEnvironment({ ...INPUT, settings, server: process.env })
  const { stdout } = await promisify(execFile)('/usr/bin/env', ['-0'], { env })
  const seen = stdout.split('\0').filter((line) => line !== '')
  expect(seen.toSorted()).toEqual(
    Object.entries(env)
      .map(([name, value]) => `${name}=${value}`)
      .toSorted(),
  )
})
