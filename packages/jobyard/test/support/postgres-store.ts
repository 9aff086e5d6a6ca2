import { systemClock } from '../../src/domain/clock.ts'
import { createIds } from '../../src/domain/ids.ts'
import type { Procedures, Store } from '../../src/store/contract.ts'
import { createPostgresStore, type PostgresOptions } from '../../src/store/postgres/store.ts'

/** How a store differs from the usual one of tests. */
export type StoreOptions<W extends Procedures, R extends Procedures> = Partial<PostgresOptions<W, R>> &
  Pick<PostgresOptions<W, R>, 'url' | 'writes' | 'reads'>

/** A store on a database whose schema is up to date, or whose procedures need none. */
export function openPostgresStore<W extends Procedures, R extends Procedures>(
  options: StoreOptions<W, R>,
): Promise<Store<W, R>> {
  const onTrouble = () => undefined
  return createPostgresStore({
    clock: systemClock,
    ids: createIds(systemClock),
    random: () => 0.5,
    onTrouble,
    ...options,
  })
}
