import { createOutputStore } from '../../src/store/output/store.ts'
import { createDatabase } from '../support/postgres.ts'
import { exerciseOutput } from './exercise-output.ts'

exerciseOutput('the output store on PostgreSQL', async () => {
  const database = await createDatabase()
  return {
    open: () =>
      createOutputStore({
        database: { kind: 'postgres', url: database.url },
        onFatal: (error) => {
          throw error
        },
      }),
    clear: () => database.drop(),
  }
})
