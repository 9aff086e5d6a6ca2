import { Jobyard } from '@jobyard/client'
import { expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { useKilledServers } from '../support/killed-servers.ts'
import { basicOf } from './webjobs-yard.ts'

const FOLDER = 'api/vfs/site/wwwroot/App_Data/jobs/triggered/survivor'

test('files that were taken in are there again after the server was killed, and become a job', async () => {
  const { token, start, kill } = useKilledServers()
  const headers = { authorization: basicOf(token), 'if-match': '*' }
  const put = (url: string, name: string, body: string) =>
    fetch(`${url}/${FOLDER}/${name}`, { method: 'PUT', headers, body })

  const first = await start()
  for (const name of ['a.txt', 'lib/b.txt', 'run.sh'])
    expect((await put(first, name, `exit 0 # ${name}\n`)).status).toBe(201)
  await kill()

  const second = await start()
  expect(await (await fetch(`${second}/${FOLDER}/lib/b.txt`, { headers })).text()).toBe('exit 0 # lib/b.txt\n')
  const jobyard = new Jobyard({ url: second, token: token })
  await eventually('the job is there', async () => (await jobyard.jobs.list().take()).length === 1)
  const run = await jobyard.runs.wait((await jobyard.runs.create('survivor')).id)
  expect(run.state).toBe('completed')
  // Killed once more, in the midst of changes of a job that is there.
  expect((await put(second, 'run.sh', 'exit 3\n')).status).toBe(204)
  await kill()

  const third = new Jobyard({ url: await start(), token: token })
  await eventually('the change has come', async () => (await third.jobs.packages('survivor')).length === 2)
  expect((await third.runs.wait((await third.runs.create('survivor')).id)).exitCode).toBe(3)
}, 60_000)
