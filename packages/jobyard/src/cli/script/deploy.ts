import type { Job, Jobyard, PackageInfo } from '@jobyard/client'
import { printJson } from '../answer.ts'
import { connect } from '../connection.ts'
import { paint, printable } from '../failure.ts'
import { programName } from '../program-name.ts'
import { Progress } from '../progress.ts'
import { pointing } from '../schedule.ts'
import { printFacts } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { sayCount, sayHash, sayNextDue, saySize } from '../wording.ts'
import { type DeployOptions, readJob } from './deploy-input.ts'
import { findTarget, sayJob } from './deploy-target.ts'
import { sayTriggers } from './look.ts'
import { readSource } from './source.ts'

/** Uploads a script and makes it a job, or the new package of one. */
export async function deploy(terminal: Terminal, given: string, options: DeployOptions): Promise<void> {
  const input = await pointing(terminal, options, options.schedule ?? '', () => readJob(terminal, options))
  const jobyard = await connect(terminal, options)
  // Refused now and not when everything is uploaded: a server that is not there, a token that may not.
  await jobyard.me()
  const target = await findTarget(jobyard, options)
  const uploaded = await upload(terminal, jobyard, given)
  const { job, created } = await jobyard.jobs.put({ ...input, ...target, package: uploaded.hash })
  if (options.json === true) return printJson(terminal, { job, package: uploaded, created })
  await report(terminal, jobyard, job, uploaded, created)
}

async function upload(terminal: Terminal, jobyard: Jobyard, given: string): Promise<PackageInfo> {
  const source = await readSource(terminal.folder, given)
  const progress = new Progress(terminal, 'Uploading', source.bytes)
  const advance = (bytes: number): void => progress.advance(bytes)
  const body = await source.open(advance)
  const counted = body instanceof Blob ? { onProgress: advance } : {}
  try {
    return await jobyard.packages.upload(body, source.fileName, counted)
  } finally {
    progress.end()
  }
}

async function report(
  terminal: Terminal,
  jobyard: Jobyard,
  job: Job,
  uploaded: PackageInfo,
  created: boolean,
): Promise<void> {
  const { stdout, stderr } = terminal
  const { script, files, bytes } = uploaded
  stdout.write(`${created ? 'Made' : 'Updated'} the job ${paint(stdout, 'bold', job.name)}.\n`)
  await printFacts(stdout, [
    ['package', `${sayHash(uploaded.hash)}, ${sayCount(files, 'file')}, ${saySize(bytes)}`],
    ...(script === null ? [] : [['script', `${script.file}, run with ${script.interpreter}`] as const]),
    ['runs', sayTriggers(job)],
    ...(job.nextDue === null ? [] : [['next run', sayNextDue(job)] as const]),
    ['state', job.state],
  ])
  for (const { message } of job.warnings) stderr.write(`${paint(stderr, 'yellow', 'warning:')} ${printable(message)}\n`)
  const named = await sayJob(jobyard, job)
  const verb = job.type === 'continuous' ? `logs ${named} --follow` : `run ${named} --wait`
  stdout.write(`${job.type === 'continuous' ? 'Watch' : 'Try'} it: ${programName(terminal)} script ${verb}\n`)
}
