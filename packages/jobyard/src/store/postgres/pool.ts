import pg from 'pg'

/** What broke connections while nobody, or perhaps somebody, was using them. */
const breaks = new WeakMap<pg.ClientBase, Error>()

/** A pool whose connections tell of their end instead of ending the process; `onTrouble` hears of those nobody used. */
export function createPool(config: pg.PoolConfig, onTrouble: (error: Error) => void): pg.Pool {
  const pool = new pg.Pool(config)
  pool.on('error', onTrouble)
  pool.on('connect', (client) => {
    client.on('error', (error: Error) => {
      // What follows the first is only that the connection is gone.
      if (!breaks.has(client)) breaks.set(client, error)
    })
  })
  return pool
}

/** What broke a connection of such a pool; undefined while it is whole, as far as is known. */
export function breakOf(client: pg.ClientBase): Error | undefined {
  return breaks.get(client)
}
