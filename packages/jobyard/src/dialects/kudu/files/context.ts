import type { FastifyReply, FastifyRequest } from 'fastify'
import { bearerOf } from '../../../services/http/sender.ts'
import type { LogFolders } from '../../webjobs/files/logs.ts'
import { SiteTree } from '../../webjobs/files/site-tree.ts'
import { siteOfHost } from '../../webjobs/site.ts'
import type { KuduContext } from '../context.ts'
import { sendRefusal } from './answers.ts'
import { type FilePath, readFilePath } from './request-path.ts'

/** What the routes of files work with. */
export interface FilesContext extends KuduContext {
  readonly logs: LogFolders
}

/** A request to files: what it names, and the tree in which that is looked for. */
export interface FileRequest {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly path: FilePath
  readonly tree: SiteTree
}

/** Handles a request to files; what is refused is told in Kudu's form. */
export function handleFiles(context: FilesContext, work: (asked: FileRequest) => Promise<FastifyReply>) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    let parts: readonly string[] = []
    try {
      const path = readFilePath(request)
      parts = path.parts
      const site = await siteOfHost(context, bearerOf(request), request.hostname)
      const tree = new SiteTree({ context, reader: context.reader, logs: context.logs }, site)
      return await work({ request, reply, path, tree })
    } catch (error) {
      return sendRefusal(error, reply, parts)
    }
  }
}

/** Whether a path is of scripts, or a folder above them: what stands in these may be more than a viewer is to know. */
export function holdsScripts([top]: readonly string[]): boolean {
  return top === undefined || top.toLowerCase() === 'site'
}
