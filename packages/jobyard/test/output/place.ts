import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { OutputStore } from '../../src/store/output/contract.ts'
import { createOutputStore } from '../../src/store/output/store.ts'

/** A temporary folder that is removed when the test is over. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'jobyard-test-output-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A store on the file output.db of a folder that is stopped when the test is over. */
export async function openStore(folder: string, onFatal?: (error: Error) => void): Promise<OutputStore> {
  const store = await createOutputStore({
    database: { kind: 'sqlite', path: join(folder, 'output.db') },
    onFatal: (error) => {
      if (!onFatal) throw error
      onFatal(error)
    },
  })
  onTestFinished(() => store.stop())
  return store
}
