import { createWriteStream, openAsBlob } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { DataItem, UploadSource } from '@jobyard/client'
import { JobyardError } from '../../domain/errors.ts'
import { answer, printJson } from '../answer.ts'
import { connect } from '../connection.ts'
import { printTable, timeColumn } from '../table.ts'
import { type Terminal, write } from '../terminal.ts'
import { sayCount } from '../wording.ts'
import { type ScopeOptions, scopeOf } from './options.ts'

/** Options of `script data get`. */
export interface DataGetOptions extends ScopeOptions {
  readonly out?: string
}

/** Options of `script data put`. */
export interface DataPutOptions extends ScopeOptions {
  readonly from: string
}

/** Options of `script data rm`. */
export interface DataRemoveOptions extends ScopeOptions {
  readonly recursive?: boolean
}

/** Lists a folder of a job's data. */
export async function listData(
  terminal: Terminal,
  name: string,
  path: string | undefined,
  options: ScopeOptions,
): Promise<void> {
  const items = await (await connect(terminal, options)).data.list(name, path, scopeOf(options))
  if (options.json === true) return printJson(terminal, items)
  if (items.length === 0) {
    terminal.stderr.write('The folder is empty.\n')
    return
  }
  await printTable<DataItem>(terminal.stdout, items, [
    { title: 'NAME', value: ({ name: own, type }) => (type === 'folder' ? `${own}/` : own) },
    { title: 'BYTES', value: ({ bytes, type }) => (type === 'folder' ? '' : String(bytes)), right: true },
    timeColumn('CHANGED', ({ modifiedAt }) => modifiedAt),
  ])
}

/** Fetches a file of a job's data. A file that is not whole never has its name. */
export async function getData(terminal: Terminal, name: string, path: string, options: DataGetOptions): Promise<void> {
  const stream = await (await connect(terminal, options)).data.read(name, path, scopeOf(options))
  if (options.out === '-') {
    for await (const chunk of stream) await write(terminal.stdout, chunk)
    return
  }
  const target = resolve(terminal.folder, options.out ?? basename(path))
  const partial = `${target}.part`
  try {
    await pipeline(Readable.fromWeb(stream), createWriteStream(partial))
    await rename(partial, target)
  } finally {
    await rm(partial, { force: true })
  }
  await answer(terminal, options, { name, path, file: target }, `${path} is in ${target}.`)
}

/** Puts a file into a job's data. */
export async function putData(terminal: Terminal, name: string, path: string, options: DataPutOptions): Promise<void> {
  const source = options.from === '-' ? terminal.stdin : await fileOf(resolve(terminal.folder, options.from))
  const item = await (await connect(terminal, options)).data.put(name, path, source, scopeOf(options))
  await answer(terminal, options, item, `${path} has ${sayCount(item.bytes, 'byte')} in the data of ${name}.`)
}

/** Takes a file or folder of a job's data away. */
export async function removeData(
  terminal: Terminal,
  name: string,
  path: string,
  options: DataRemoveOptions,
): Promise<void> {
  const recursive = options.recursive === true ? { recursive: true } : {}
  await (await connect(terminal, options)).data.remove(name, path, { ...scopeOf(options), ...recursive })
  await answer(terminal, options, { name, path, removed: true }, `${path} is gone from the data of ${name}.`)
}

async function fileOf(path: string): Promise<UploadSource> {
  try {
    await using handle = await open(path, 'r')
    if ((await handle.stat()).isFile()) return await openAsBlob(path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    const message = `${path} cannot be read (${String(error.code)}).`
    throw new JobyardError('folder-unreadable', message, { field: '--from', cause: error })
  }
  throw new JobyardError('folder-unreadable', `${path} is no file.`, { field: '--from' })
}
