import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { createDatabase, createMigratedDatabase } from '../support/postgres.ts'

async function ask(url: string, text: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return Object.values((await client.query(text)).rows[0])[0]
  } finally {
    await client.end()
  }
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

describe("the tests' PostgreSQL", () => {
  test('gives each caller a database of its own', async () => {
    const databases = await Promise.all([createDatabase(), createDatabase()])
    const names = await Promise.all(databases.map(({ url }) => ask(url, 'select current_database()')))
    expect(new Set(names).size).toBe(2)
    await Promise.all(databases.map((database) => database.drop()))
  })

  test('gives databases that are up to date, also to several who ask at once', async () => {
    const databases = await Promise.all([1, 2, 3].map(() => createMigratedDatabase()))
    for (const { url } of databases) {
      expect(Number(await ask(url, 'select count(*) from jobyard.migration'))).toBeGreaterThan(0)
      expect(Number(await ask(url, 'select count(*) from graphile_worker.migrations'))).toBeGreaterThan(0)
    }
    await Promise.all(databases.map((database) => database.drop()))
  })

  test('is gone, with its folder, soon after the process that started it was killed', async () => {
    const program = fileURLToPath(new URL('./hold-cluster.ts', import.meta.url))
    const holder = fork(program, { execArgv: [] })
    const [{ port, data }] = (await once(holder, 'message')) as [{ port: number; data: string }]
    expect(await isListening(port)).toBe(true)
    expect(existsSync(dirname(data))).toBe(true)
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    await expect.poll(() => existsSync(dirname(data)), { timeout: 10_000 }).toBe(false)
    expect(await isListening(port)).toBe(false)
  })
})
