import type { FastifyReply } from 'fastify'
import { JobyardError } from '../../../domain/errors.ts'
import { tooLarge } from '../../../kinds/script/archive-names.ts'
import { requireRole } from '../../../services/auth/bearer.ts'
import { actorOf, bearerOf } from '../../../services/http/sender.ts'
import { bodyOf } from '../../webjobs/bodies.ts'
import { tagOfPart } from '../../webjobs/files/package-folder.ts'
import type { Place } from '../../webjobs/files/site-tree.ts'
import { sendNothing } from '../../webjobs/sending.ts'
import { redirect, sendAbsent, sendFile, sendListing, sendMessage, tagged } from './answers.ts'
import { type FileRequest, type FilesContext, holdsScripts } from './context.ts'
import { requireMatch } from './preconditions.ts'
import { parameterOf, shownPath } from './request-path.ts'
import type { FileHandlers } from './routes.ts'

/** What Kudu says of folders that cannot be changed or taken away. */
const NOT_UPDATED = 'The resource represents a directory which can not be updated.'
const NOT_DELETED = 'Cannot delete directory. It is either not empty or access is not allowed.'

/**
 * Single files (https://github.com/projectkudu/kudu/wiki/REST-API#vfs): folders are listed, files are read, written and
 * taken away.
 */
export const VFS: FileHandlers = { get, put, remove }

async function get(context: FilesContext, { request, reply, path, tree }: FileRequest): Promise<FastifyReply> {
  const found = await tree.find(path.parts)
  if (found === null) return sendAbsent(reply, path.parts)
  if ((found.type === 'folder') !== path.asFolder) return redirect(context, request, reply, path)
  if (found.type === 'folder') return sendListing(context, request, reply, found, path)
  if (holdsScripts(path.parts)) requireRole(bearerOf(request), 'deployer')
  return await sendFile(request, reply, found)
}

async function put(context: FilesContext, asked: FileRequest): Promise<FastifyReply> {
  const { request, reply, path, tree } = asked
  const found = await tree.find(path.parts)
  if (found?.type === 'folder') return sendMessage(reply, 409, NOT_UPDATED)
  const place = await tree.placeOf(path.parts)
  try {
    if (path.asFolder && found === null) {
      await makeFolder(context, asked, place)
      return sendNothing(reply, 201)
    }
    // Before any of the body is read; what is true when it has come counts in the end.
    if (found !== null) requireMatch(request.headers['if-match'], found.tag)
    return await putFile(context, asked, place)
  } catch (error) {
    throw notWritten(error, path.parts)
  }
}

async function makeFolder({ edits, data }: FilesContext, { request }: FileRequest, place: Place): Promise<void> {
  if (place.kind === 'package') return await edits.makeFolder(place.address, place.path, actorOf(request))
  if (place.kind === 'view' || data === null) throw outside()
  await data.makeFolder(place.job, place.parts, actorOf(request))
}

async function putFile(context: FilesContext, asked: FileRequest, place: Place): Promise<FastifyReply> {
  const { edits, data, uploads } = context
  const { request, reply } = asked
  const { 'if-match': match, 'content-length': length } = request.headers
  const declared = length === undefined ? undefined : Number(length)
  if (place.kind === 'package' && place.path !== '') {
    const { fileBytes } = context.services.packages.limits
    if (declared !== undefined && declared > fileBytes) throw tooLarge(`A file of a job has at most ${fileBytes} bytes`)
    return await uploads.receive(bodyOf(request), declared, async ({ path: from, bytes, sha256 }) => {
      const file = { path: place.path, from, bytes, sha256 }
      const { isNew, file: noted } = await edits.put(place.address, [file], [], actorOf(request), (there) => {
        if (there?.type === 'file') requireMatch(match, tagOfPart(there.file))
      })
      if (noted !== null) tagged(reply, { tag: tagOfPart(noted), modifiedAt: noted.modified })
      return sendNothing(reply, isNew ? 201 : 204)
    })
  }
  if (place.kind !== 'data' || data === null) throw outside()
  await refuseRendered(context, place)
  const { file, isNew } = await data.put(place.job, place.parts, bodyOf(request), actorOf(request), {
    declared,
    check: (there) => {
      if (there !== null) requireMatch(match, there.tag)
    },
  })
  tagged(reply, file)
  return sendNothing(reply, isNew ? 201 : 204)
}

async function remove(context: FilesContext, asked: FileRequest): Promise<FastifyReply> {
  const { request, reply, path, tree } = asked
  const found = await tree.find(path.parts)
  if (found === null) return sendAbsent(reply, path.parts)
  if (found.type === 'file' && path.asFolder) return redirect(context, request, reply, path)
  if (found.type === 'file') requireMatch(request.headers['if-match'], found.tag)
  const place = await tree.placeOf(path.parts)
  try {
    await removeAt(context, asked, place)
  } catch (error) {
    const known = error instanceof JobyardError && error.code === 'data-refused'
    if (known && found.type === 'folder') return sendMessage(reply, 409, NOT_DELETED)
    throw notWritten(error, path.parts)
  }
  return sendNothing(reply, 200)
}

async function removeAt(context: FilesContext, asked: FileRequest, place: Place): Promise<void> {
  const { edits, data } = context
  const { request } = asked
  const recursive = parameterOf(request, 'recursive')?.toLowerCase() === 'true'
  const match = request.headers['if-match']
  if (place.kind === 'package') {
    const check = (there: Parameters<NonNullable<Parameters<typeof edits.remove>[2]['check']>>[0]) => {
      if (there?.type === 'file') requireMatch(match, tagOfPart(there.file))
    }
    return await edits.remove(place.address, place.path, { recursive, check }, actorOf(request))
  }
  if (place.kind === 'view' || data === null) throw outside()
  await refuseRendered(context, place)
  await data.remove(place.job, place.parts, actorOf(request), {
    recursive,
    check: (there) => {
      if (there !== null) requireMatch(match, there.tag)
    },
  })
}

/** Logs and statuses are told from what is on record, so nobody writes them. */
async function refuseRendered({ logs }: FilesContext, place: Place & { kind: 'data' }): Promise<void> {
  let at = await logs(place.job)
  for (const part of place.parts) {
    const found = at === null ? null : await at.find(part)
    if (found?.type === 'file') throw new JobyardError('data-refused', 'It is told from what is on record.')
    at = found
  }
  if (at !== null) throw new JobyardError('data-refused', 'It is told from what is on record.')
}

function outside(): JobyardError {
  return new JobyardError('data-refused', 'Only the files of jobs and their data can be changed here.')
}

/** What stands in the way of a file, in Kudu's words. */
function notWritten(error: unknown, parts: readonly string[]): unknown {
  if (!(error instanceof JobyardError) || error.code !== 'data-refused') return error
  const message = `Could not write to local resource '${shownPath(parts)}' due to error '${error.message}'.`
  return new JobyardError('data-refused', message)
}
