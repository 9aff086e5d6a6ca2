import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { resolveRunAs, type SystemAccounts, systemAccounts } from '../../src/kinds/script/run-as.ts'
import { canExecute, checkReachable } from '../../src/kinds/script/reach.ts'
import { IS_ROOT, makeTemporary, NOBODY, refusal } from './fixtures.ts'

const PASSWD = `root:x:0:0:root:/root:/bin/bash
daemon:x:1:1::/:/usr/sbin/nologin
jobs-user:x:1500:1600::/srv:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
`
const GROUP = 'root:x:0:\nworkers:x:1700:jobs-user\n'

let root: SystemAccounts
let ordinary: SystemAccounts

beforeEach(() => {
  const folder = makeTemporary()
  writeFileSync(join(folder, 'passwd'), PASSWD)
  writeFileSync(join(folder, 'group'), GROUP)
  root = {
    uid: 0,
    gid: 0,
    name: 'root',
    passwdFile: join(folder, 'passwd'),
    groupFile: join(folder, 'group'),
    lookUp: async (name) => (name === 'from-ldap' ? { uid: 9000, gid: 9001 } : undefined),
  }
  ordinary = { ...root, uid: 1500, gid: 1600, name: 'jobs-user' }
})

test('without a setting an ordinary user runs jobs as itself', async () => {
  expect(await resolveRunAs(undefined, ordinary)).toEqual({
    user: { name: 'jobs-user', uid: 1500, gid: 1600, own: true },
    warnings: [],
  })
})

test('without a setting root runs jobs as jobyard where there is such a user, else as nobody', async () => {
  expect((await resolveRunAs(undefined, root)).user).toEqual({ name: 'nobody', uid: 65534, gid: 65534, own: false })
  writeFileSync(root.passwdFile, `${PASSWD}jobyard:x:850:851::/:/bin/false\n`)
  expect((await resolveRunAs(undefined, root)).user).toEqual({ name: 'jobyard', uid: 850, gid: 851, own: false })
})

test('a machine with neither is told what to do', async () => {
  writeFileSync(root.passwdFile, 'root:x:0:0::/root:/bin/sh\n')
  const error = await refusal(() => resolveRunAs(undefined, root), 'run-as-invalid')
  expect(error.hint).toContain('useradd')
})

test.each([
  ['jobs-user', { name: 'jobs-user', uid: 1500, gid: 1600 }],
  ['jobs-user:workers', { name: 'jobs-user', uid: 1500, gid: 1700 }],
  ['jobs-user:7', { name: 'jobs-user', uid: 1500, gid: 7 }],
  ['1500', { name: 'jobs-user', uid: 1500, gid: 1600 }],
  ['1500:1', { name: 'jobs-user', uid: 1500, gid: 1 }],
  ['4242', { name: '4242', uid: 4242, gid: 4242 }],
  ['4242:4343', { name: '4242', uid: 4242, gid: 4343 }],
  ['from-ldap', { name: 'from-ldap', uid: 9000, gid: 9001 }],
])('root may name %s', async (setting, user) => {
  expect(await resolveRunAs(setting, root)).toEqual({ user: { ...user, own: false }, warnings: [] })
})

test.each(['ghost', 'jobs-user:ghosts', '', ':1', 'a:', '1:2:3', '99999999999', '4294967295', '1500:99999999999'])(
  'the setting %j is refused',
  async (setting) => {
    expect((await refusal(() => resolveRunAs(setting, root), 'run-as-invalid')).field).toBe('JOBYARD_RUN_AS')
  },
)

test('who is not root may name nobody but himself', async () => {
  for (const setting of ['jobs-user', '1500', '1500:1600']) {
    expect((await resolveRunAs(setting, ordinary)).user).toMatchObject({ uid: 1500, own: true })
  }
  for (const setting of ['nobody', 'root', 'jobs-user:workers']) {
    const error = await refusal(() => resolveRunAs(setting, ordinary), 'run-as-invalid')
    expect(error.message).toContain('only root can start jobs as somebody else')
  }
})

test('jobs as root are possible, and warned of', async () => {
  const { user, warnings } = await resolveRunAs('root', root)
  expect(user).toMatchObject({ uid: 0, own: true })
  expect(warnings).toMatchObject([{ code: 'run-as-root' }])
})

test.skipIf(process.platform === 'win32')('the system is asked for users that no file names', async () => {
  const accounts = { ...systemAccounts(), passwdFile: '/nonexistent' }
  expect(await accounts.lookUp('root')).toEqual({ uid: 0, gid: 0 })
  expect(await accounts.lookUp('no-such-user-here')).toBeUndefined()
  expect(await accounts.lookUp('-u')).toBeUndefined()
})

test('this machine has a user for jobs', async () => {
  const { user } = await resolveRunAs(undefined)
  expect(user.own).toBe(process.getuid?.() !== 0)
  if (!user.own) expect(user.uid).toBeGreaterThan(0)
})

const module = join(import.meta.dirname, '../../src/kinds/script/run-as.ts')
const terminal = join(import.meta.dirname, '../../src/cli/terminal.ts')
const reachable = canExecute(process.execPath, NOBODY) && checkReachable(module, NOBODY).reachable

test.skipIf(!IS_ROOT || !reachable)(
  'a server whose user has no account, as in a container, runs jobs as itself',
  () => {
    const program = `
    const { resolveRunAs } = await import(${JSON.stringify(module)})
    const { systemTerminal } = await import(${JSON.stringify(terminal)})
    const { user } = await resolveRunAs(undefined)
    console.log(JSON.stringify({ user, home: systemTerminal().home }))`
    const env = { PATH: process.env.PATH ?? '' }
    const who = { uid: 12_345, gid: 12_345, cwd: '/', env, encoding: 'utf8' } as const
    const printed = execFileSync(process.execPath, ['--input-type=module', '-e', program], who)
    const user = { name: '12345', uid: 12_345, gid: 12_345, own: true }
    expect(JSON.parse(printed)).toEqual({ user, home: '/' })
  },
)
