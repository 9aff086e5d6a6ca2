import type { Scope } from '../../src/store/contract.ts'
import {
  postgresDialect,
  type Row,
  type Statement,
  type Steps,
  sqliteDialect,
  type Value,
} from '../../src/store/sql.ts'
import type { DatabaseName } from '../support/stack.ts'
import type { OpenRepository } from './repository.ts'

/** Drives a procedure on the database of a repository, and answers how many statements that took. */
export async function countStatements(
  database: DatabaseName,
  { ask, ids }: OpenRepository,
  procedure: (scope: Scope) => Steps<unknown>,
): Promise<number> {
  const dialect = database === 'sqlite' ? sqliteDialect : postgresDialect
  const scope: Scope = {
    dialect,
    ids,
    slot: 'production',
    instance: 'here',
    // biome-ignore lint/correctness/useYield: it is a generator for the sake of databases that have to be asked
    *leaseTime(at) {
      return at
    },
    *send() {
      // Nobody is woken: the runs are not to begin.
    },
  }
  const run = async ({ query, params, set }: Statement): Promise<Row[]> => {
    const text = query.text(dialect)
    if (set === undefined) return ask(text, ...params)
    if (database === 'postgres') return ask(text, JSON.stringify(set.rows))
    const given: Row[] = []
    for (const row of set.rows) {
      const values = new Map<string, Value>(Object.entries(row))
      given.push(...(await ask(text, ...set.columns.map((column) => values.get(column) ?? null))))
    }
    return given
  }
  const steps = procedure(scope)
  let count = 0
  for (let step = steps.next(); !step.done; step = steps.next(await run(step.value))) count++
  return count
}
