import type { WebJobType } from '../webjobs/reader.ts'

/** The spellings of the address that lists all jobs; Kudu kept the old ones. */
export const ALL_JOBS = ['/api/webjobs', '/api/jobs', '/jobs'] as const

/** The spellings of the address of the jobs of a type. */
export function pathsOf(type: WebJobType): readonly string[] {
  return [`/api/${type}webjobs`, `/api/${type}jobs`, `/jobs/${type}`, `/api/jobs/${type}`]
}

/** Where the description of the triggered jobs is. */
export const SWAGGER = ['/api/triggeredwebjobsswagger', '/api/triggeredjobsswagger'] as const

/** The spellings of the address of the app settings. */
export const APP_SETTINGS = ['/api/settings', '/settings'] as const

/** The spellings of the address of all files. */
export const FILES = ['/api/vfs', '/vfs'] as const

/** The spellings of the address of folders as zips. */
export const ZIPS = ['/api/zip', '/zip'] as const

/**
 * Below these addresses everything is Kudu's, what is not there too. Of /hooks only itself is: below it lie the addresses by
 * which jobs are started.
 */
export const OWN = /^\/(?:(?:api|jobs|settings|vfs|zip)(?=[/?]|$)|hooks\/?(?=\?|$))/i
