// Looks for the jobs of the watched folder argv[2] under whatever user runs this, and prints what it finds.
import { findJobs } from '../../src/services/folder/find-jobs.ts'

const { jobs, closed, problems } = await findJobs(process.argv[2] ?? '', { user: { uid: -1, gid: -1, own: true } })
process.stdout.write(JSON.stringify({ jobs: jobs.map(({ name }) => name), closed: [...closed], problems }))
