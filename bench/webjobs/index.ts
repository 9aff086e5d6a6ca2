import type { Measure } from '../measure.ts'
import { deployZip } from './deploy-zip.ts'
import { listJobs } from './list-jobs.ts'
import { logDownload } from './log-download.ts'

/** What is measured of the interfaces for clients of WebJobs. */
export const webjobs: readonly Measure[] = [listJobs, deployZip, logDownload]
