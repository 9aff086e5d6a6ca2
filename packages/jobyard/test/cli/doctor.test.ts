import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Finding } from '../../src/cli/doctor/check.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { createDatabase, createMigratedDatabase, type Database } from '../support/postgres.ts'
import { type LiveServer, startLiveServer } from './live-server.ts'
import { command, type TerminalOptions } from './test-terminal.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jobyard-doctor-'))
  await chmod(folder, 0o711)
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

type Found = readonly (Finding & { readonly check: string })[]

async function examine(argv: readonly string[], more: TerminalOptions = {}): Promise<{ exit: number; found: Found }> {
  const env = { PATH: process.env.PATH ?? '', ...more.env }
  const { exit, out } = await command(['doctor', '--json', '--port', '0', ...argv], { folder, ...more, env })
  return { exit, found: JSON.parse(out) }
}

function of(found: Found, check: string): string[] {
  return found.filter((each) => each.check === check).map(({ level, what }) => `${level}: ${what}`)
}

describe('doctor', () => {
  test('finds a fresh machine good, and changes nothing', async () => {
    const data = join(folder, 'data')
    const { exit, found } = await examine(['--data', data])
    expect(found.filter(({ level }) => level === 'fail')).toEqual([])
    expect(exit).toBe(0)
    expect(of(found, 'data folder')[0]).toMatch(/ok: .*is not there yet; the first start makes it/)
    expect(of(found, 'interpreters')[0]).toMatch(/bash \/.*node \//)
    expect((await command(['doctor', '--data', data, '--port', '0'], { folder })).out).toMatch(
      /The server can work here/,
    )
    expect(existsSync(data)).toBe(false)
  })

  test('says of everything that is not well what to do', async () => {
    const { found } = await examine(['--data', '/proc/jobyard', '--run-as', 'nobody-of-this-name', '--host', '0.0.0.0'])
    const bad = found.filter(({ level }) => level !== 'ok')
    expect(bad.length).toBeGreaterThanOrEqual(3)
    for (const { todo } of bad) expect(todo).toMatch(/\S/)
  })

  test('fails where the data folder cannot be, and ends with 1', async () => {
    await writeFile(join(folder, 'file'), '')
    const { exit, found } = await examine(['--data', join(folder, 'file')])
    expect(exit).toBe(1)
    expect(of(found, 'data folder')[0]).toMatch(/^fail: .*is not a folder/)
  })

  test('fails for a user of jobs that is not there, and for listening unencrypted', async () => {
    const { exit, found } = await examine(['--run-as', 'no-such-user', '--host', '0.0.0.0'])
    expect(exit).toBe(1)
    expect(of(found, "jobs' user")[0]).toMatch(/^fail: .*no-such-user/)
    expect(of(found, 'address')[0]).toMatch(/^fail: Others can reach/)
  })

  test('fails when the key is missing for a database that is there, or is none', async () => {
    const data = join(folder, 'data')
    await mkdir(data)
    const database = new DatabaseSync(join(data, 'jobyard.db'))
    database.exec('create table migration (number integer); insert into migration values (1)')
    database.close()
    expect(of((await examine(['--data', data])).found, 'key file')).toEqual([expect.stringMatching(/^fail: .*missing/)])
    await writeFile(join(data, 'key'), 'too short', { mode: 0o644 })
    expect(of((await examine(['--data', data])).found, 'key file')).toEqual([
      expect.stringMatching(/^fail: .*32 bytes/),
      expect.stringMatching(/^warn: .*read by other users/),
    ])
    await writeFile(join(data, 'key'), Buffer.alloc(32, 1).toString('base64'))
    await chmod(join(data, 'key'), 0o600)
    expect(of((await examine(['--data', data])).found, 'key file')).toEqual([expect.stringMatching(/^ok: /)])
  })

  test('fails for a database that is none, and warns of one that is too new', async () => {
    const data = join(folder, 'data')
    await mkdir(data)
    await writeFile(join(data, 'jobyard.db'), 'this is no database, however long it may be'.repeat(100))
    expect(of((await examine(['--data', data])).found, 'database')).toEqual([expect.stringMatching(/^fail: /)])
    await rm(join(data, 'jobyard.db'))
    const database = new DatabaseSync(join(data, 'jobyard.db'))
    database.exec('create table migration (number integer); insert into migration values (9999)')
    database.close()
    expect(of((await examine(['--data', data])).found, 'database')[1]).toMatch(/^warn: .*9999/)
  })

  test('fails for a clock that cannot be right', async () => {
    const clock = new ManualClock('2001-01-01T00:00:00Z')
    expect(of((await examine([], { clock })).found, 'clock')[0]).toMatch(/^fail: The clock shows 2001/)
  })

  test('does not find interpreters that are nowhere in PATH', async () => {
    const { found } = await examine([], { env: { PATH: folder } })
    expect(of(found, 'interpreters').join()).toMatch(/Not there for the jobs' user: .*php/)
  })
})

describe('doctor and the port', () => {
  let server: LiveServer
  let other: Server

  beforeAll(async () => {
    server = await startLiveServer()
    other = createServer((socket) => socket.resume().end('hello\r\n'))
    other.listen(0, '127.0.0.1')
    await once(other, 'listening')
  })
  afterAll(async () => {
    other.close()
    await server.stop()
  })

  test('knows a server that is running from another program', async () => {
    const { port } = new URL(server.url)
    const running = await examine(['--data', server.data, '--port', port])
    expect(of(running.found, 'address')).toEqual([expect.stringMatching(/^ok: .*a server is running/)])
    expect(running.exit).toBe(0)
    const taken = await examine(['--port', String((other.address() as AddressInfo).port)])
    expect(of(taken.found, 'address')).toEqual([expect.stringMatching(/^fail: .*taken by another program/)])
    expect(taken.exit).toBe(1)
  })
})

describe('doctor and PostgreSQL', () => {
  let empty: Database
  let full: Database

  beforeAll(async () => {
    empty = await createDatabase()
    full = await createMigratedDatabase()
  })
  afterAll(async () => {
    await empty.drop()
    await full.drop()
  })

  test('looks at version, schema, clock and notifications', async () => {
    const fresh = of((await examine([], { env: { JOBYARD_DATABASE_URL: empty.url } })).found, 'database')
    expect(fresh).toEqual([
      expect.stringMatching(/^ok: PostgreSQL \d+/),
      expect.stringMatching(/^ok: It holds nothing of Jobyard yet/),
      expect.stringMatching(/^ok: Its clock/),
      expect.stringMatching(/^ok: Notifications come through/),
    ])
    const used = of((await examine([], { env: { JOBYARD_DATABASE_URL: full.url } })).found, 'database')
    expect(used[1]).toMatch(/^ok: Its schema is up to date/)
  })

  test('fails when it cannot be reached, and does not tell the password', async () => {
    const env = { JOBYARD_DATABASE_URL: 'postgres://jobyard:hidden@127.0.0.1:9/jobs' }
    const { exit, found } = await examine([], { env })
    expect(exit).toBe(1)
    expect(of(found, 'database')).toEqual([expect.stringMatching(/^fail: .*ECONNREFUSED/)])
    expect(JSON.stringify(found)).not.toContain('hidden')
  })
})
