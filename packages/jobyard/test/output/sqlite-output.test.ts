import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createOutputStore } from '../../src/store/output/store.ts'
import { exerciseOutput } from './exercise-output.ts'

exerciseOutput('the output store on SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'jobyard-test-output-'))
  return {
    open: () =>
      createOutputStore({
        database: { kind: 'sqlite', path: join(folder, 'output.db') },
        onFatal: (error) => {
          throw error
        },
      }),
    clear: () => rm(folder, { recursive: true }),
  }
})
