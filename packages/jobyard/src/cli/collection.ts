import { answer, printJson } from './answer.ts'
import { connect } from './connection.ts'
import type { Connected } from './shape.ts'
import { printFacts, printTable, timeColumn } from './table.ts'
import type { Terminal } from './terminal.ts'
import { sayTime } from './wording.ts'

/** Makes a collection. */
export async function createCollection(terminal: Terminal, name: string, options: Connected): Promise<void> {
  const made = await (await connect(terminal, options)).collections.create(name)
  await answer(terminal, options, made, `Made the collection ${made.name}.`)
}

/** Lists all collections. */
export async function listCollections(terminal: Terminal, options: Connected): Promise<void> {
  const collections = await (await connect(terminal, options)).collections.list({ pageSize: 500 }).take()
  if (options.json === true) return printJson(terminal, collections)
  await printTable(terminal.stdout, collections, [
    { title: 'NAME', value: ({ name }) => name },
    timeColumn('MADE', ({ createdAt }) => createdAt),
    { title: 'ID', value: ({ id }) => id, yields: true },
  ])
}

/** Shows the folder that a collection's jobs come from. */
export async function showFolder(terminal: Terminal, name: string, options: Connected): Promise<void> {
  const folder = await (await connect(terminal, options)).collections.folder(name)
  if (folder === null) return answer(terminal, options, null, `The jobs of ${name} come from no folder.`)
  if (options.json === true) return printJson(terminal, folder)
  await printFacts(terminal.stdout, [
    ['folder', folder.path],
    ['looked into', `${sayTime(folder.seenAt)} by ${folder.instance}`],
    ...folder.problems.map(({ path, message }): [string, string] => ['not deployed', `${path}: ${message}`]),
  ])
}

/** Takes an empty collection away. */
export async function removeCollection(terminal: Terminal, name: string, options: Connected): Promise<void> {
  await (await connect(terminal, options)).collections.remove(name)
  await answer(terminal, options, { name, removed: true }, `Removed the collection ${name}.`)
}
