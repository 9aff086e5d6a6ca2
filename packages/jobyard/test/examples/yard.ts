import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Job, type JobInput, Jobyard, type Run, type RunInput } from '@jobyard/client'
import { type ServerProcess, startServerProcess } from '../../../../scripts/server.ts'
import { readSource } from '../../src/cli/script/source.ts'

const EXAMPLES = join(import.meta.dirname, '..', '..', '..', '..', 'examples')

/** A real server with a folder beside its own that jobs can read. */
export interface Yard {
  readonly jobyard: Jobyard
  readonly server: ServerProcess
  /** Jobs can read what is put here. */
  readonly folder: string
  /** Uploads a folder of examples/, as the command line does, and makes it a job. */
  deploy(example: string, input: JobInput): Promise<Job>
  /** Runs a job to its end. */
  run(job: string, input?: RunInput): Promise<FinishedRun>
  stop(): Promise<void>
}

/** A run that has ended, with what it printed: all of it, and what came on standard error. */
export interface FinishedRun {
  readonly run: Run
  readonly text: string
  readonly errors: string
}

/** Starts a server of its own for a test file. */
export async function openYard(): Promise<Yard> {
  const top = await mkdtemp(join(tmpdir(), 'jobyard-examples-'))
  const folder = join(top, 'shared')
  await mkdir(folder)
  // Whoever jobs run as must come through and read, whatever the umask is.
  for (const each of [top, folder]) await chmod(each, 0o755)
  const server = await startServerProcess({ data: join(top, 'data') }).catch(async (error: unknown) => {
    await rm(top, { recursive: true, force: true })
    throw error
  })
  const jobyard = new Jobyard({ url: server.address, token: server.adminToken })
  return {
    jobyard,
    server,
    folder,
    async deploy(example, input) {
      const source = await readSource(EXAMPLES, example)
      const uploaded = await jobyard.packages.upload(await source.open(() => undefined), source.fileName)
      return (await jobyard.jobs.put({ ...input, package: uploaded.hash })).job
    },
    async run(job, input = {}) {
      const started = await jobyard.runs.create(job, input)
      const run = await jobyard.runs.wait(started.id, { timeoutMs: 60_000 })
      return { run, ...(await readOutput(jobyard, run.id)) }
    },
    async stop() {
      await server.stop()
      await rm(top, { recursive: true, force: true })
    },
  }
}

/** What a run has printed so far. */
export async function readOutput(jobyard: Jobyard, run: string): Promise<{ text: string; errors: string }> {
  const { items } = await jobyard.output.page(run)
  const of = (streams: readonly string[]) =>
    items.flatMap(({ stream, text = '' }) => (streams.includes(stream) ? [text] : [])).join('')
  return { text: of(['output', 'error', 'system']), errors: of(['error']) }
}
