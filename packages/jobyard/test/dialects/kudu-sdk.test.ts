import { afterAll, beforeAll, expect, it } from 'vitest'
import { openWebJobsYard, type WebJobsYard } from './webjobs-yard.ts'

let yard: WebJobsYard

beforeAll(async () => {
  yard = await openWebJobsYard()
})

afterAll(async () => {
  await yard.server.stop()
})

it('says of a job that it uses the SDK once it has left the mark of it in its data folder', async () => {
  await yard.script('triggered', 'plain', 'exit 0\n')
  await yard.script('triggered', 'modern', 'touch "$WEBJOBS_DATA_PATH/webjobssdk.marker"\n')
  await Promise.all([yard.runToEnd('plain'), yard.runToEnd('modern')])
  const jobs: readonly { name: string; using_sdk: boolean }[] = JSON.parse(
    (await yard.call('/api/triggeredwebjobs')).body,
  )
  expect(jobs.map(({ name, using_sdk }) => [name, using_sdk])).toEqual([
    ['modern', true],
    ['plain', false],
  ])
  expect(JSON.parse((await yard.call('/api/triggeredwebjobs/modern')).body)).toMatchObject({ using_sdk: true })
})
