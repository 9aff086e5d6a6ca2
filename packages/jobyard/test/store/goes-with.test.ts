import { describe, expect, onTestFinished, test } from 'vitest'
import { ACTOR, DATABASES } from '../support/stack.ts'
import { openRepository } from './repository.ts'

describe.each(DATABASES)('on %s', (database) => {
  test('hooks and what waits for them go with their collection, and the mark of a folder with its job', async () => {
    const { store, ids, collectionId, addJob, addRows, ask, close } = await openRepository(database)
    onTestFinished(close)
    const jobId = await addJob('marked')
    await addRows('folder_job', [{ job_id: jobId }])
    const at = 1
    expect(await store.write('holdWatchedFolder', { collectionId, path: '/x', instance: 'a', at })).toBe(true)
    expect(await store.write('holdWatchedFolder', { collectionId, path: '/y', instance: 'b', at })).toBe(false)
    const draft = {
      id: ids.next(),
      collectionId,
      event: 'deployed',
      url: 'http://example.com/',
      insecure: false,
    } as const
    await store.write('addHook', { draft, actor: ACTOR, at })
    expect(await store.write('publishToHooks', { collectionId, event: 'deployed', text: '{}', at })).toBe(1)
    await store.write('deleteJob', { id: jobId, actor: ACTOR, at, origin: 'folder' })
    await store.write('pruneJob', { jobId, at })
    expect(await ask('select job_id from folder_job')).toEqual([])
    await store.write('deleteCollection', { id: collectionId, actor: ACTOR, at })
    for (const table of ['hook', 'hook_call', 'watched_folder']) {
      expect(await ask(`select * from ${table}`), table).toEqual([])
    }
  })

  test('a folder is held by one instance until that one has been silent for long', async () => {
    const { store, collectionId, close } = await openRepository(database)
    onTestFinished(close)
    const hold = (instance: string, at: number) =>
      store.write('holdWatchedFolder', { collectionId, path: '/x', instance, at })
    const seen = (at: number) => store.read('getWatchedFolder', { collectionId, at })
    const start = 1_000_000_000
    expect(await hold('a', start)).toBe(true)
    expect(await hold('b', start + 89_999)).toBe(false)
    expect(await seen(start + 89_999)).toMatchObject({ path: '/x', instance: 'a' })
    expect(await seen(start + 90_000)).toBeNull()
    expect(await hold('b', start + 90_000)).toBe(true)
    expect(await hold('a', start + 90_001)).toBe(false)
    // A clock that was put far back keeps nobody waiting until it has caught up.
    expect(await hold('a', start - 1_000_000)).toBe(true)
    await store.write('leaveWatchedFolder', { instance: 'a' })
    expect(await seen(start)).toBeNull()
  })
})
