import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ApiApp } from '../../../services/http/api-app.ts'
import { bearerOf } from '../../../services/http/sender.ts'
import { SiteTree } from '../../webjobs/files/site-tree.ts'
import { siteOfHost } from '../../webjobs/site.ts'
import { route } from '../routes.ts'
import { sendRefusal } from './answers.ts'
import type { FileRequest, FilesContext } from './context.ts'
import { readFilePath } from './request-path.ts'

type Handler = (context: FilesContext, asked: FileRequest) => Promise<FastifyReply>

/** What is done with what a path names; without `remove` nothing can be taken away. */
export interface FileHandlers {
  readonly get: Handler
  readonly put: Handler
  readonly remove?: Handler
}

/** The routes of an address below which paths name files and folders. */
export function fileRoutes(app: ApiApp, context: FilesContext, base: string, { get, put, remove }: FileHandlers): void {
  for (const url of [base, `${base}/*`]) {
    app.route({ ...route(url, 'viewer'), method: ['GET', 'HEAD'], url, handler: handleFiles(context, get) })
    app.put(url, route(url, 'deployer'), handleFiles(context, put))
    if (remove !== undefined) app.delete(url, route(url, 'deployer'), handleFiles(context, remove))
  }
}

/** Handles a request to files; what is refused is told in Kudu's form. */
function handleFiles(context: FilesContext, work: Handler) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    let parts: readonly string[] = []
    try {
      const path = readFilePath(request)
      parts = path.parts
      const site = await siteOfHost(context, bearerOf(request), request.hostname)
      const tree = new SiteTree({ context, reader: context.reader, logs: context.logs }, site)
      return await work(context, { request, reply, path, tree })
    } catch (error) {
      return sendRefusal(error, reply, parts)
    }
  }
}
