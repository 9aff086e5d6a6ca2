import type { FastifyReply, FastifyRequest } from 'fastify'
import type { LogFolders } from '../../webjobs/files/logs.ts'
import type { SiteTree } from '../../webjobs/files/site-tree.ts'
import type { KuduContext } from '../context.ts'
import type { FilePath } from './request-path.ts'

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

/** Whether a path is of scripts, or a folder above them: what stands in these may be more than a viewer is to know. */
export function holdsScripts([top]: readonly string[]): boolean {
  return top === undefined || top.toLowerCase() === 'site'
}
