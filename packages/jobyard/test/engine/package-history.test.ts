import { describe, expect, test } from 'vitest'
import { wayBack } from '../../src/domain/package-history.ts'
import { ACTOR, DATABASES, type Stack } from '../support/stack.ts'
import { useStacks } from '../support/use-stacks.ts'

describe.each(DATABASES)('packages of a job on %s', (database) => {
  const on = useStacks(database)

  function target({ collectionId }: Stack) {
    return { collectionId, kind: on.kind.name, name: 'deployed' }
  }

  async function deploy(version: string): Promise<void> {
    const { store, jobs, parts } = on.stack
    const entered = { hash: version, files: 1, bytes: 1, detail: {} }
    await store.write('enterPackage', { entered, at: parts.clock.now() })
    await jobs.save({ ...target(on.stack), packageHash: version }, 'either', ACTOR)
  }

  async function current(): Promise<string | null> {
    const [job] = await on.stack.store.read('findJobs', target(on.stack))
    return job?.packageHash ?? null
  }

  async function kept() {
    const [job] = await on.stack.store.read('findJobs', target(on.stack))
    return await on.stack.store.read('listDeployments', { jobId: job?.id ?? '' })
  }

  async function back(): Promise<string | null> {
    const [packageHash = ''] = wayBack(await kept(), await current())
    await on.stack.jobs.save({ ...target(on.stack), packageHash, source: 'rollback' }, 'existing', ACTOR)
    return await current()
  }

  test('deploying the same again and going back push none out, and going back twice goes back twice', async () => {
    for (const version of ['v1', 'v2', ...Array(12).fill('v3')]) await deploy(version)
    expect((await kept()).map(({ hash }) => hash)).toEqual(['v3', 'v2', 'v1'])
    expect([await back(), await back()]).toEqual(['v2', 'v1'])
    expect((await kept()).map(({ hash, number }) => [hash, number])).toEqual([
      ['v3', 14],
      ['v2', 2],
      ['v1', 1],
    ])
    expect(wayBack(await kept(), await current())).toEqual([])
  })

  test('what is deployed after going back leads to what was in use, and the oldest beyond ten go', async () => {
    for (const version of ['v1', 'v2', 'v3']) await deploy(version)
    await back()
    await deploy('v4')
    expect(await back()).toBe('v2')
    await deploy('v1')
    expect(wayBack(await kept(), 'v1')).toEqual(['v2'])
    for (let version = 5; version <= 13; version++) await deploy(`v${version}`)
    const rows = await kept()
    expect(rows.map(({ hash }) => hash)).toEqual([13, 12, 11, 10, 9, 8, 7, 6, 5, 1].map((version) => `v${version}`))
    expect(wayBack(rows, 'v13')).toHaveLength(9)
    expect(rows.at(-1)?.previous).toBeNull()
  })
})
