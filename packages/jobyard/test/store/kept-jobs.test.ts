import { describe, expect, onTestFinished, test } from 'vitest'
import { DEFAULT_POLICY } from '../../src/domain/model.ts'
import { ACTOR, DATABASES } from '../support/stack.ts'
import { openRepository } from './repository.ts'

const AT = Date.parse('2026-01-01T00:00:00Z')

describe.each(DATABASES)('on %s', (database) => {
  test('a job of a watched folder can be deleted by others only while it is said to be kept without its folder', async () => {
    const { store, ids, collectionId, ask, close } = await openRepository(database)
    onTestFinished(close)
    const add = async (name: string) => {
      const rules = { judged: false, spec: {}, policy: DEFAULT_POLICY, enabled: true, warnings: [], triggers: [] }
      const draft = { id: ids.next(), collectionId, kind: 'script', type: 'triggered', name, ...rules }
      const how = { basedOn: null, action: 'job.create', actor: ACTOR, at: AT, origin: 'folder' } as const
      return (await store.write('saveJob', { draft, ...how })).job.id
    }
    const [kept, found] = [await add('kept'), await add('found')]
    await store.write('holdWatchedFolder', { collectionId, path: '/x', instance: 'a', at: AT })
    const remove = (id: string) => store.write('deleteJob', { id, actor: ACTOR, at: AT })
    const problems = [{ path: '/x', message: 'It is empty.' }]
    // As a server notes it that knows of the problems alone.
    await ask(`update watched_folder set problems = '${JSON.stringify(problems)}' returning path`)
    const seen = { path: '/x', instance: 'a', seenAt: AT, problems }
    expect(await store.read('getWatchedFolder', { collectionId, at: AT })).toEqual({ ...seen, keeps: [] })
    await expect(remove(kept)).rejects.toMatchObject({ code: 'source-controlled' })
    await store.write('noteFolderProblems', { collectionId, instance: 'a', problems, keeps: [kept] })
    expect(await store.read('getWatchedFolder', { collectionId, at: AT })).toEqual({ ...seen, keeps: [kept] })
    // Such a server can read what is noted now.
    const [noted] = await ask('select problems from watched_folder')
    expect(JSON.parse(String(noted?.problems))).toEqual(problems)
    await expect(remove(found)).rejects.toMatchObject({ code: 'source-controlled' })
    await remove(kept)
    expect(await store.read('listFolderJobs', { collectionId })).toMatchObject([{ id: found }])
  })
})
