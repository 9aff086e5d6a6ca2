import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyReply } from 'fastify'
import { JobyardError } from '../../../domain/errors.ts'
import { unpackArchive } from '../../../kinds/script/archive.ts'
import type { PackageTree } from '../../../kinds/script/package-tree.ts'
import { requireRole } from '../../../services/auth/bearer.ts'
import { actorOf, bearerOf } from '../../../services/http/sender.ts'
import type { EditAddress } from '../../../services/package-edits/draft.ts'
import type { EditFile } from '../../../services/package-edits/edit-file.ts'
import type { Actor } from '../../../store/procedures/audit.ts'
import { bodyOf } from '../../webjobs/bodies.ts'
import type { Place } from '../../webjobs/files/site-tree.ts'
import { zipFolder } from '../../webjobs/files/zip-folder.ts'
import { sendNothing } from '../../webjobs/sending.ts'
import { CONTAINED, redirect, sendAbsent, sendException } from './answers.ts'
import { type FileRequest, type FilesContext, holdsScripts } from './context.ts'
import { parameterOf, shownPath } from './request-path.ts'
import type { FileHandlers } from './routes.ts'

/**
 * Whole folders (https://github.com/projectkudu/kudu/wiki/REST-API#zip): a zip of what is there, and a zip that is
 * unpacked over what is there.
 */
export const ZIP: FileHandlers = { get, put }

async function get(context: FilesContext, { request, reply, path, tree }: FileRequest): Promise<FastifyReply> {
  const found = await tree.find(path.parts)
  if (found === null) return sendAbsent(reply, path.parts)
  if ((found.type === 'folder') !== path.asFolder) return redirect(context, request, reply, path)
  // It never gave single files.
  if (found.type === 'file') return sendNothing(reply, 404)
  if (holdsScripts(path.parts)) requireRole(bearerOf(request), 'deployer')
  const name = parameterOf(request, 'fileName') ?? `${found.name}.zip`
  reply.headers({ ...CONTAINED, 'content-type': 'application/zip', 'content-disposition': dispositionOf(name) })
  return request.method === 'HEAD' ? reply.send() : reply.send(await zipFolder(found))
}

function dispositionOf(name: string): string {
  if (/^[\w.-]+$/.test(name)) return `attachment; filename=${name}`
  const plain = name.replaceAll(/[^\x20-\x7e]|["\\]/g, '_')
  return `attachment; filename="${plain}"; filename*=UTF-8''${encodeURIComponent(name.toWellFormed())}`
}

async function put(context: FilesContext, asked: FileRequest): Promise<FastifyReply> {
  const { request, reply, path, tree } = asked
  const found = await tree.find(path.parts)
  // It never took single files.
  if (found === null ? !path.asFolder : found.type === 'file') return sendNothing(reply, 404)
  if (isJson(request.headers['content-type'])) {
    return sendException(
      reply,
      400,
      'Archives at other addresses are not fetched; send the archive itself.',
      'System.NotSupportedException',
    )
  }
  const length = request.headers['content-length']
  const declared = length === undefined ? undefined : Number(length)
  try {
    await context.uploads.receive(bodyOf(request), declared, ({ path: archive }) => unpackInto(context, asked, archive))
  } catch (error) {
    if (error instanceof JobyardError && BROKEN.has(error.code)) {
      return sendException(reply, 400, error.message, 'System.IO.InvalidDataException')
    }
    throw error
  }
  return sendNothing(reply, 200)
}

const BROKEN: ReadonlySet<string> = new Set(['archive-broken', 'archive-unsupported', 'archive-unsafe', 'data-refused'])

function isJson(type: string | undefined): boolean {
  return type?.split(';', 1)[0]?.trim().toLowerCase() === 'application/json'
}

/** What of an archive goes where. */
interface Sorted {
  readonly jobs: Map<string, { readonly address: EditAddress; readonly files: EditFile[]; readonly folders: string[] }>
  readonly data: { readonly place: Place & { readonly kind: 'data' }; readonly from: string | null }[]
}

/** Everything is unpacked and sorted before any of it is put anywhere. */
async function unpackInto(context: FilesContext, asked: FileRequest, archive: string): Promise<void> {
  const { services, edits } = context
  const folder = `${archive}.d`
  try {
    const { limits } = services.packages
    const unpacked = await unpackArchive(archive, folder, { limits, now: services.clock.now() })
    const sorted = await sort(asked, unpacked, folder)
    const actor = actorOf(asked.request)
    // What stands in the way of one must be known before any is changed: they are changed one after the other.
    await edits.checkPuts([...sorted.jobs.values()])
    await checkData(context, sorted)
    for (const { address, files, folders } of sorted.jobs.values()) await edits.put(address, files, folders, actor)
    await putData(context, sorted, actor)
    // All that belongs together has come, so nothing is waited for; jobs that are new are in the next list.
    for (const { address } of sorted.jobs.values()) await edits.trySettle(address)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function sort({ path, tree }: FileRequest, unpacked: PackageTree, folder: string): Promise<Sorted> {
  const sorted: Sorted = { jobs: new Map(), data: [] }
  const jobOf = (address: EditAddress) => {
    const key = `${address.type}/${address.name.toLowerCase()}`
    const there = sorted.jobs.get(key) ?? { address, files: [], folders: [] }
    sorted.jobs.set(key, there)
    return there
  }
  for (const { path: name, bytes, sha256, modified, executable } of unpacked.files) {
    const place = await tree.placeOf([...path.parts, ...name.split('/')])
    const from = join(folder, name)
    if (place.kind === 'package' && place.path !== '') {
      const mode = executable ? { executable } : {}
      jobOf(place.address).files.push({ path: place.path, from, bytes, sha256, modified, ...mode })
    } else if (place.kind === 'data' && place.parts.length > 0) sorted.data.push({ place, from })
    else throw outside([...path.parts, name])
  }
  for (const name of unpacked.folders) {
    const place = await tree.placeOf([...path.parts, ...name.split('/')])
    if (place.kind === 'package' && place.path !== '') jobOf(place.address).folders.push(place.path)
    if (place.kind === 'data' && place.parts.length > 0) sorted.data.push({ place, from: null })
  }
  return sorted
}

async function checkData({ data }: FilesContext, sorted: Sorted): Promise<void> {
  for (const { place, from } of sorted.data) {
    if (data === null) throw outside(place.parts)
    await data.checkPut(place.job, place.parts, from === null ? 'folder' : 'file')
  }
}

async function putData({ data }: FilesContext, sorted: Sorted, actor: Actor): Promise<void> {
  for (const { place, from } of sorted.data) {
    if (data === null) throw outside(place.parts)
    const { job, parts } = place
    if (from !== null) await data.put(job, parts, createReadStream(from), actor)
    else if ((await data.look(job.id, parts)) === null) await data.makeFolder(job, parts, actor)
  }
}

function outside(parts: readonly string[]): JobyardError {
  const message = `${shownPath(parts)} is none of a job's files, nor of the data of a job that is there; nothing was unpacked.`
  return new JobyardError('data-refused', message)
}
