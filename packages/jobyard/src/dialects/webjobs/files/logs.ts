import type { JobRow } from '../../../domain/model.ts'
import type { SiteFolder } from './tree.ts'

/** Gives what is shown of a job's runs beside what lies in its data folder: logs and statuses; null when there is nothing. */
export type LogFolders = (job: JobRow) => Promise<SiteFolder | null> | SiteFolder | null
