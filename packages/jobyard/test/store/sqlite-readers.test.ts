import { expect, onTestFinished, test } from 'vitest'
import { openRepository } from './repository.ts'

test('a slow page holds up no other read', async () => {
  const repository = await openRepository('sqlite')
  onTestFinished(() => repository.close())
  const { ids, store, collectionId } = repository
  const row = { collection_id: collectionId, kind: 'test', type: 'test', spec: '{}', policy: '{}', warnings: '[]' }
  const jobs = Array.from({ length: 60_000 }, (_, index) => ({
    ...row,
    id: ids.next(),
    number: index + 1,
    name: `job-${index}`,
    name_key: `job-${index}`,
    enabled: 1,
    version: 1,
    created_at: 0,
    updated_at: 0,
  }))
  await repository.addRows('job', jobs)
  const ended: string[] = []
  const note = (name: string) => () => ended.push(name)
  // Reads of one moment travel to a thread together, and are answered together.
  const page = store.read('listJobs', { search: 'nothing-like-this', limit: 1 }).then(note('page'))
  const small = store.read('getMeta', { name: 'none' }).then(note('small'))
  await Promise.all([page, small])
  expect(ended).toEqual(['small', 'page'])
})
