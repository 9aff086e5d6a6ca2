import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import type { JobRow } from '../../src/domain/model.ts'
import type { ScriptPackages } from '../../src/kinds/script/packages.ts'
import { WatchedFolder, type WatchedFolderOptions } from '../../src/services/folder/watched-folder.ts'
import type { Deployment } from '../../src/store/procedures/packages.ts'
import type { FolderProblem } from '../../src/store/procedures/watched-folder.ts'
import { NOBODY } from '../script/fixtures.ts'
import { eventually } from '../support/eventually.ts'
import { openPackages } from '../support/packages.ts'
import { ACTOR, type DatabaseName, makePlace, type Place, type Stack, startStack } from '../support/stack.ts'
import { TestKind } from '../support/test-kind.ts'

class FolderKind extends TestKind {
  override readonly types = ['triggered', 'continuous']
}

/** A folder, new for each test, and the stack whose jobs come from it, the same for all of them. */
export class Site {
  readonly stack: Stack
  readonly packages: ScriptPackages
  readonly problems: FolderProblem[] = []
  readonly path: string
  readonly #opened: WatchedFolder[] = []

  constructor(stack: Stack, packages: ScriptPackages, path: string) {
    this.stack = stack
    this.packages = packages
    this.path = path
  }

  /** Watches the folder, as soon as the answer is started, until the test ends. */
  open(options: Partial<WatchedFolderOptions>): WatchedFolder {
    const { stack, packages, path } = this
    const { store, events, clock, random } = stack.parts
    const { jobs, engine, collectionId } = stack
    const common = { store, events, clock, random, jobs, engine, packages, collectionId, folder: path, user: NOBODY }
    const onProblem = (problem: FolderProblem) => this.problems.push(problem)
    const watched = new WatchedFolder({ ...common, instance: 'here', quietMs: 100, onProblem, ...options })
    this.#opened.push(watched)
    return watched
  }

  jobs(): Promise<JobRow[]> {
    return this.stack.store.read('listJobs', { collectionId: this.stack.collectionId, limit: 100 })
  }

  async job(name: string): Promise<JobRow | undefined> {
    return (await this.jobs()).find((each) => each.name === name)
  }

  async deployments(name: string): Promise<Deployment[]> {
    return await this.stack.store.read('listDeployments', { jobId: (await this.job(name))?.id ?? '' })
  }

  /** Writes a file, below the folder or where its bytes say. */
  async write(path: string | Buffer, text = 'exit 0\n'): Promise<void> {
    const file = typeof path === 'string' ? join(this.path, path) : path
    if (typeof file === 'string') await mkdir(join(file, '..'), { recursive: true })
    await writeFile(file, text)
  }

  /** Ends what the test has opened, and takes away the jobs and the folder. */
  async clear(): Promise<void> {
    for (const watched of this.#opened) await watched.stop()
    for (const { id, name } of await this.jobs()) await this.stack.engine.deleteJob(id, name, ACTOR)
    await rm(this.path, { recursive: true, force: true })
  }
}

/** Gives a new {@link Site} to each test of this file or group, through `begin`. */
export function useSite(database: DatabaseName, begin: (site: Site) => void): void {
  let [place, stack, packages, site]: [Place?, Stack?, ScriptPackages?, Site?] = []

  beforeAll(async () => {
    place = await makePlace(database)
    stack = await startStack({ kinds: [new FolderKind('script')], place })
    packages = await openPackages(stack, place.folder)
  })
  afterAll(async () => {
    await stack?.stop()
    await place?.drop()
  })
  beforeEach(async () => {
    if (stack === undefined || packages === undefined) throw new Error('It is made before the first test.')
    site = new Site(stack, packages, await mkdtemp(join(tmpdir(), 'jobyard-site-')))
    begin(site)
  })
  afterEach(() => site?.clear())
}

/** So long a folder must be quiet where a test looks by itself, in milliseconds. */
export const QUIET = 100

/** Looks again and again for longer than a job's folder must be gone before the job is. */
export async function lookForLong(watched: WatchedFolder): Promise<void> {
  const until = performance.now() + 4 * QUIET
  while (performance.now() < until) await watched.look()
}

/** Looks until these jobs are there, and no others; `names` tells those that are. */
export async function lookUntil(
  what: string,
  watched: WatchedFolder,
  names: () => Promise<string[]>,
  wanted: readonly string[],
): Promise<void> {
  await eventually(what, async () => {
    await watched.look()
    return (await names()).join() === wanted.join()
  })
}

/** All that was told of a site, line by line. */
export function toldOf({ problems }: Pick<Site, 'problems'>): string {
  return problems.map(({ path, message }) => `${path}: ${message}`).join('\n')
}
