import { afterAll, beforeAll } from 'vitest'
import { createDatabase, type Database } from '../support/postgres.ts'
import { exerciseDispatcher } from './exercise.ts'
import { openGraphileBench } from './graphile-bench.ts'

let database: Database

beforeAll(async () => {
  database = await createDatabase()
})

afterAll(() => database.drop())

exerciseDispatcher('dispatch on PostgreSQL', () => openGraphileBench(database.url))
