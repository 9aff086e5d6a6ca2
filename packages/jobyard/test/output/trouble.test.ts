import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { encodeDataHeader, encodeHeader, encodeHello } from '../../src/store/output/frames.ts'
import { createOutputStore } from '../../src/store/output/store.ts'
import { BOUNDED } from './exercise-output.ts'
import { makeFolder, openStore } from './place.ts'

const unexpected = (error: Error): void => {
  throw error
}

describe('an output store that cannot start', () => {
  test('says that the file was written by a newer version', async () => {
    const path = join(await makeFolder(), 'output.db')
    const database = new DatabaseSync(path)
    database.exec('pragma user_version = 99')
    database.close()
    const starting = createOutputStore({ database: { kind: 'sqlite', path }, onFatal: unexpected })
    await expect(starting).rejects.toMatchObject({ code: 'store-newer' })
    await expect(starting).rejects.toThrow(path)
  })

  test('says why when the file is no database or cannot be opened', async () => {
    const folder = await makeFolder()
    await writeFile(join(folder, 'text.db'), 'x'.repeat(10_000))
    await mkdir(join(folder, 'folder.db'))
    for (const name of ['text.db', 'folder.db', 'not/there.db']) {
      const database = { kind: 'sqlite', path: join(folder, name) } as const
      await expect(createOutputStore({ database, onFatal: unexpected })).rejects.toThrow(/database/)
    }
  })
})

describe('an output thread that dies', () => {
  test('is reported once, and fails what was asked and what is asked later', async () => {
    const folder = await makeFolder()
    const errors: Error[] = []
    const store = await openStore(folder, (error) => errors.push(error))
    const taskId = randomUUID()
    await store.open(taskId, BOUNDED)
    // A table taken away under its feet is nothing that the thread could go on with.
    const database = new DatabaseSync(join(folder, 'output.db'))
    database.exec('drop table chunks')
    database.close()
    store.append(taskId, 'output', 'x')
    await expect(store.close(taskId, false)).rejects.toMatchObject({ code: 'store-unavailable' })
    await expect(store.read(taskId)).rejects.toMatchObject({ code: 'store-unavailable' })
    store.append(taskId, 'output', 'y')
    await store.stop()
    expect(errors).toHaveLength(1)
    expect(errors[0]?.message).toContain('chunks')
  })
})

describe('a connection that does not keep to the protocol', () => {
  for (const [what, bytes] of [
    ['sends another frame first', encodeDataHeader(1, 0, 0)],
    ['announces a frame that is too long', Buffer.concat([encodeHello('SECRET'), encodeHeader(1, 1, 0xffffff)])],
    [
      'names a stream that there is not',
      Buffer.concat([encodeHello('SECRET'), encodeHeader(1, 1, 1), Buffer.from([7])]),
    ],
    ['sends a frame that there is not', Buffer.concat([encodeHello('SECRET'), encodeHeader(9, 1, 0)])],
  ] as const) {
    test(`and ${what} is dropped`, async () => {
      const store = await openStore(await makeFolder())
      const secret = Buffer.from(store.channel.secret)
      const at = bytes.indexOf('SECRET')
      const hello = at < 0 ? [bytes] : [encodeHello(secret.toString()), bytes.subarray(at + 'SECRET'.length)]
      const socket = connect(store.channel.address)
      const closed = once(socket, 'close')
      socket.end(Buffer.concat(hello)).resume()
      // Half open: only the other side can close it.
      await closed
      expect((await store.read(randomUUID())).lastSeq).toBe(0)
    })
  }
})
