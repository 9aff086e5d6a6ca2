import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LiveServer, startLiveServer } from './live-server.ts'
import { command } from './test-terminal.ts'

const SCRIPT = 'while [ "$WEBJOBS_TYPE" = continuous ] && [ ! -e "$WEBJOBS_SHUTDOWN_FILE" ]; do sleep 0.05; done\n'

let server: LiveServer

beforeAll(async () => {
  server = await startLiveServer()
  await writeFile(join(server.folder, 'run.sh'), SCRIPT)
})
afterAll(() => server.stop())

const jobyard = (...argv: string[]) => command(argv, { env: server.env, folder: server.folder })
const deploy = (...argv: string[]) => jobyard('script', 'deploy', 'run.sh', ...argv)
const numberOf = async (name: string, type: string) => (await server.client.jobs.get(name, { type })).number
const jobsCalled = async (name: string) =>
  (await server.client.jobs.list({ search: name }).take()).map((job) => `${job.type} ${job.name}`).toSorted()

describe('a job with the name of one of another type', () => {
  test('is made, and it is said what that means', async () => {
    expect((await deploy('--name', 'hello')).err).toBe('')
    const { exit, err, out } = await deploy('--name', 'Hello', '--continuous')
    expect(exit).toBe(0)
    const [one, two] = [await numberOf('hello', 'triggered'), await numberOf('hello', 'continuous')]
    expect(err).toContain(`There is a triggered job hello, too (number ${one}); this continuous one is number ${two}.`)
    expect(out).toContain('script logs Hello --type continuous --follow')
    const quiet = await deploy('--name', 'hello', '--type', 'triggered')
    expect([quiet.err, quiet.exit]).toEqual(['', 0])
    expect(quiet.out).toMatch(/^Updated the job hello\.\n/)
    expect(quiet.out).toContain('script run hello --type triggered --wait')
  })

  test('is told in the answer of /v1 that makes it, and of no other', async () => {
    await server.client.jobs.create({ name: 'shared', type: 'continuous', enabled: false, package: await anyPackage() })
    const input = { name: 'shared', type: 'triggered', package: await anyPackage() }
    const made = await server.client.jobs.create(input)
    expect(made.warnings).toMatchObject([
      { code: 'name-shared', message: expect.stringMatching(/There is a continuous job shared, too \(number \d+\)/) },
    ])
    expect((await server.client.jobs.put(input)).job.warnings).toEqual([])
    await server.client.jobs.remove(made.id)
    const again = await server.client.jobs.put(input)
    expect([again.created, again.job.warnings[0]?.code]).toEqual([true, 'name-shared'])
  })

  test('must be meant: the hint names ways out that are ways out', async () => {
    const refused = await deploy('--name', 'hello')
    expect(refused.exit).toBe(3)
    expect(refused.err).toMatch(/Say its --type, or name it by its number or id/)
    expect(refused.err).not.toContain('Uploading')
    for (const type of ['triggered', 'continuous']) {
      const number = await numberOf('hello', type)
      const { id } = await server.client.jobs.get('hello', { type })
      for (const named of [
        ['--name', 'hello', '--type', type],
        ['--name', String(number)],
        ['--name', id],
      ]) {
        const { exit, out } = await deploy(...named, '--timeout', '9m')
        expect([exit, out]).toEqual([0, expect.stringMatching(/^Updated the job hello\.\n/i)])
      }
      expect((await server.client.jobs.get(id)).policy.timeout).toBe('9m')
    }
    expect(await jobsCalled('hello')).toEqual(['continuous Hello', 'triggered hello'])
  })

  test('can be named with its type by every command', async () => {
    const { runs } = server.client
    const run = await runs.create('hello', {}, { type: 'triggered' })
    await runs.wait(run.id)
    const name = `hello/${run.number}`
    expect((await jobyard('run', 'show', name)).exit).toBe(3)
    expect((await jobyard('run', 'show', name, '--type', 'triggered')).out).toContain(run.id)
    const number = await numberOf('hello', 'triggered')
    expect((await jobyard('run', 'show', `${number}/${run.number}`)).out).toContain(run.id)
    for (const verb of ['show', 'runs', 'logs', 'start', 'rollback']) {
      expect((await jobyard('script', verb, 'hello')).err, verb).toContain('More than one job')
      expect((await jobyard('script', verb, 'hello', '--type', 'triggered')).err, verb).not.toContain('More than one')
    }
    expect((await jobyard('webhook', 'set', 'hello', '--type', 'triggered')).exit).toBe(0)
    expect((await jobyard('script', 'show', 'hello', '--type', 'other')).exit).toBe(2)
  })
})

describe('a name that is a number', () => {
  test('is the number of a job, unless a job is called so', async () => {
    await deploy('--name', 'counted')
    const number = String(await numberOf('counted', 'triggered'))
    expect((await deploy('--name', number, '--timeout', '8m')).out).toMatch(/^Updated the job counted\.\n/)
    await server.client.jobs.create({ name: number, package: await anyPackage() })
    expect((await deploy('--name', number, '--timeout', '7m')).out).toMatch(new RegExp(`^Updated the job ${number}\\.`))
    expect((await server.client.jobs.get('counted')).policy.timeout).toBe('8m')
    expect((await deploy('--name', '987654')).out).toMatch(/^Made the job 987654\.\n/)
  })

  test('cannot make a job of another type of it', async () => {
    await deploy('--name', 'typed')
    const { number, id } = await server.client.jobs.get('typed')
    for (const name of [String(number), id]) {
      const { exit, err } = await deploy('--name', name, '--continuous')
      expect([exit, err]).toEqual([2, expect.stringContaining('is the triggered job typed, not a continuous one')])
    }
    expect(await jobsCalled('typed')).toEqual(['triggered typed'])
    const nobody = '00000000-0000-7000-8000-000000000000'
    expect((await deploy('--name', nobody)).exit).toBe(4)
  })
})

describe('a number or an id', () => {
  test('names no job of another collection, type or kind than were named', async () => {
    await server.client.collections.create('staging')
    await deploy('--name', 'prod')
    const { id, number } = await server.client.jobs.get('prod')
    const run = await server.client.runs.create(id)
    await server.client.runs.wait(run.id)
    for (const named of [String(number), id]) {
      for (const scope of [
        ['--collection', 'staging'],
        ['--type', 'continuous'],
      ]) {
        const { exit, err } = await jobyard('script', 'show', named, ...scope)
        expect([exit, err], scope.join(' ')).toEqual([4, expect.stringContaining(` job "${named}"`)])
        expect(err).toContain('is the triggered script job prod in the collection default.')
      }
      for (const verb of ['run', 'rm', 'stop']) {
        const refused = await jobyard(
          'script',
          verb,
          named,
          '--collection',
          'staging',
          ...(verb === 'rm' ? ['--yes'] : []),
        )
        expect(refused.exit, verb).toBe(4)
      }
      expect((await jobyard('run', 'show', `${named}/${run.number}`, '--collection', 'staging')).exit).toBe(4)
      expect((await jobyard('run', 'show', `${named}/${run.number}`, '--collection', 'default')).out).toContain(run.id)
      await expect(server.client.jobs.get(named, { kind: 'call' })).rejects.toMatchObject({ code: 'job-unknown' })
      expect((await server.client.jobs.get(named, { kind: 'script', type: 'triggered' })).name).toBe('prod')
    }
    expect(await jobsCalled('prod')).toEqual(['triggered prod'])
  })

  test('is no way to another collection than the one a deployment is for', async () => {
    await server.client.collections.create('preview')
    await deploy('--name', 'live')
    const { id, number, version } = await server.client.jobs.get('live')
    const made = await deploy('--name', String(number), '--collection', 'preview')
    expect([made.exit, made.out]).toEqual([0, expect.stringMatching(new RegExp(`^Made the job ${number}\\.`))])
    expect((await server.client.jobs.get(String(number), { collection: 'preview' })).collection).toBe('preview')
    const refused = await deploy('--name', id, '--collection', 'preview')
    expect([refused.exit, refused.err]).toEqual([4, expect.stringContaining(id)])
    expect((await server.client.jobs.get(id)).version).toBe(version)
    expect((await deploy('--name', String(number))).out).toMatch(/^Updated the job live\./)
  })

  test('names the job that another one follows, wherever that is', async () => {
    await deploy('--name', 'leader')
    const { id, number } = await server.client.jobs.get('leader')
    await server.client.collections.create('followers')
    for (const jobId of [id, String(number)]) {
      const follower = { name: 'follower', collection: 'followers', package: await anyPackage() }
      const { job } = await server.client.jobs.put({ ...follower, triggers: [{ type: 'after', jobId }] })
      expect(job.triggers).toMatchObject([{ type: 'after', jobId: id }])
    }
  })
})

test('options that contradict the type are refused before anything is sent', async () => {
  const one = await deploy('--name', 'contrary', '--type', 'triggered', '--continuous')
  expect([one.exit, one.err]).toEqual([2, expect.stringContaining('contradict')])
  const two = await deploy('--name', 'contrary', '--type', 'continuous', '--schedule', '0 0 3 * * *')
  expect([two.exit, two.err]).toEqual([2, expect.stringContaining('contradict')])
  expect((await deploy('--name', 'kept-on', '--type', 'continuous')).out).toContain('for ever')
})

async function anyPackage(): Promise<string> {
  return (await server.client.packages.upload(Buffer.from(SCRIPT), 'run.sh')).hash
}
