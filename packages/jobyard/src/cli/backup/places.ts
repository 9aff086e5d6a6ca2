import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../config.ts'
import { JobyardError } from '../../domain/errors.ts'
import { resolveRunAs } from '../../kinds/script/run-as.ts'
import { chooseJobFolders } from '../../kinds/script/workspace-folders.ts'

/** Where the parts of a backup lie. */
export interface Places {
  readonly data: string
  readonly database: string
  readonly output: string
  readonly packages: string
  /** What jobs keep; outside of the data folder when the jobs' user cannot come there. */
  readonly jobs: string
}

/** The places of a data folder, which must be there. */
export async function findPlaces({ dataFolder: data, runAs }: Config): Promise<Places> {
  return {
    data,
    database: join(data, 'jobyard.db'),
    output: join(data, 'output.db'),
    packages: join(data, 'packages'),
    jobs: await jobsFolder(data, runAs ?? undefined),
  }
}

/** As the server chooses it; where no user is found to run jobs as, no job has ever run. */
async function jobsFolder(data: string, runAs: string | undefined): Promise<string> {
  const inside = join(data, 'jobs')
  if (existsSync(inside)) return inside
  try {
    const { user } = await resolveRunAs(runAs)
    return (await chooseJobFolders(data, user)).jobs
  } catch (error) {
    if (error instanceof JobyardError && error.code === 'run-as-invalid') return inside
    throw error
  }
}
