import type { Scope } from '../contract.ts'
import { execute, first, type Steps, sql } from '../sql.ts'

const insertMeta = sql('insert into meta (name, value) values (?, ?) on conflict (name) do nothing')
const readMeta = sql('select value from meta where name = ?')

/** Sets a single fact once; whoever comes second gets what the first one set. */
export function* claimMeta(
  { name, value }: { readonly name: string; readonly value: string },
  _scope: Scope,
): Steps<string> {
  yield* execute(insertMeta, name, value)
  return (yield* first<{ value: string }>(readMeta, name))?.value ?? value
}
