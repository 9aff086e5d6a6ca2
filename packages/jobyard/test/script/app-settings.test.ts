import { createServer } from 'node:net'
import type { Job, JobInput } from '@jobyard/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LiveServer, startLiveServer } from '../cli/live-server.ts'
import { eventually } from '../support/eventually.ts'
import { createDatabase, type Database } from '../support/postgres.ts'
import { DATABASES } from '../support/stack.ts'

describe.each(DATABASES)('app settings reach jobs on %s', (name) => {
  let server: LiveServer
  let database: Database | undefined

  beforeAll(async () => {
    database = name === 'postgres' ? await createDatabase() : undefined
    server = await startLiveServer(database === undefined ? {} : { databaseUrl: database.url })
  })
  afterAll(async () => {
    await server.stop()
    await database?.drop()
  })

  async function deploy(job: string, script: string, input: Partial<JobInput> = {}): Promise<Job> {
    const { hash } = await server.client.packages.upload(Buffer.from(script), 'run.sh')
    return (await server.client.jobs.put({ name: job, ...input, package: hash })).job
  }

  async function outputOf(run: string): Promise<string> {
    const { items } = await server.client.output.page(run)
    return items.flatMap(({ stream, text }) => (stream === 'output' ? [text] : [])).join('')
  }

  async function run(job: string) {
    const { id } = await server.client.runs.create(job)
    const ended = await server.client.runs.wait(id, { timeoutMs: 20_000 })
    return { run: ended, text: await outputOf(id) }
  }

  test('as environment, below the own variables of the job, with secrets masked however they are cut', async () => {
    const settings = {
      Region: 'eu',
      SHARED: 'collection',
      API_KEY: { value: 'hunter-22-key', secret: true },
      WEBJOBS_NAME: 'forged',
      WEBSITE_INSTANCE_ID: 'abcdef012345',
    }
    await server.client.settings.replace(settings)
    const script = [
      'echo "$Region $SHARED $WEBJOBS_NAME $WEBSITE_INSTANCE_ID"',
      `echo "length $(printf '%s' "$API_KEY" | wc -c)"`,
      `printf '%s' "\${API_KEY%22-key}"; sleep 0.2; printf '%s\\n' "\${API_KEY#hunter-}"`,
    ]
    await deploy('reached', script.join('\n'), { spec: { env: { SHARED: 'job' } } })
    expect((await run('reached')).text).toBe('eu job reached abcdef012345\nlength 13\n***\n')
    await server.client.settings.replace({})
    expect((await run('reached')).text).toMatch(/^ job reached \S+\nlength 0\n/)
  })

  test('and refuse runs while the jobs of the collection are stopped, with the text that Kudu answers', async () => {
    await deploy('halted', 'true')
    await server.client.settings.change({ WEBJOBS_STOPPED: '1' })
    await expect(server.client.runs.create('halted')).rejects.toMatchObject({
      status: 409,
      code: 'jobs-stopped',
      message: 'WebJobs are currently in "stopped" state.',
    })
    expect(await server.client.jobs.get('halted')).toMatchObject({ state: 'stopped', enabled: true })
    await server.client.settings.change({ WEBJOBS_STOPPED: null })
    expect((await run('halted')).run.state).toBe('completed')
  })

  test('WEBJOBS_IDLE_TIMEOUT ends a quiet run of a triggered job, and no quiet run ends without it', async () => {
    await deploy('quiet', 'sleep 30', { policy: { grace: '100ms' } })
    await server.client.settings.change({ WEBJOBS_IDLE_TIMEOUT: '1' })
    expect((await run('quiet')).run).toMatchObject({ state: 'failed', reason: { code: 'idle' } })
    await deploy('patient', 'sleep 1.5', { spec: { idleTimeout: '1m' } })
    expect((await run('patient')).run.state).toBe('completed')
    await server.client.settings.remove('WEBJOBS_IDLE_TIMEOUT')
  })

  test('a continuous job gets a port on which it can listen, another at each start', async () => {
    const loop = 'while [ ! -e "$WEBJOBS_SHUTDOWN_FILE" ]; do sleep 0.05; done'
    const script = `echo "port $WEBJOBS_PORT $JOBYARD_JOB_PORT $WEBROOT_PATH"\n${loop}\n`
    const { id } = await deploy('listener', script, { type: 'continuous' })
    const text = await eventually('it has told its port', async () => {
      const latest = (await server.client.jobs.get('listener')).latestRun
      const printed = latest === null ? '' : await outputOf(latest.id)
      return printed.includes('port') && printed
    })
    const [, port, twin, root] = /^port (\d+) (\d+) (\S+)\n$/.exec(text) ?? []
    expect(twin).toBe(port)
    expect(root).toContain(id)
    const mine = createServer().listen(Number(port), '127.0.0.1')
    await eventually('the port is free', () => mine.listening)
    await new Promise((resolve) => mine.close(resolve))
    await server.client.jobs.stop('listener')
  })
})
