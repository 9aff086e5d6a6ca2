import { expect, test } from 'vitest'
import { openYard } from '../examples/yard.ts'

test('a script knows its run by the id that Kudu shows', async () => {
  const yard = await openYard()
  try {
    const { hash } = await yard.jobyard.packages.upload(Buffer.from('echo "$WEBJOBS_RUN_ID"\n'), 'run.sh')
    await yard.jobyard.jobs.create({ name: 'who', type: 'triggered', package: hash })
    const { text } = await yard.run('who')
    const answer = await fetch(`${yard.server.address}/api/triggeredwebjobs/who/history`, {
      headers: { authorization: `Bearer ${yard.server.adminToken}` },
    })
    const { runs } = (await answer.json()) as { runs: { id: string }[] }
    expect(runs.map(({ id }) => id)).toEqual([text.trim()])
  } finally {
    await yard.stop()
  }
})
