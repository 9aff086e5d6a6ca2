import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKudu } from '../../src/dialects/kudu/index.ts'
import { shortName } from '../../src/domain/instance-name.ts'
import { startTestServer, type TestServer } from '../api/server.ts'
import { eventually } from '../support/eventually.ts'
import { makePlace, type Place, type Stack, startStack } from '../support/stack.ts'
import { Held, TestKind } from '../support/test-kind.ts'
import { basicOf } from './webjobs-yard.ts'

const [HERE, THERE] = [shortName('here'), shortName('there')]

let place: Place
let here: TestServer
let there: Stack
let held: Held

beforeAll(async () => {
  place = await makePlace('postgres')
  held = new Held()
  here = await startTestServer({ place, dialects: [createKudu({ instance: 'here' })] })
  here.kind.work = held.work
  const kind = new TestKind('script')
  kind.work = new Held().work
  there = await startStack({ kinds: [kind], place, instance: 'there', leaseMs: 3000, alone: false })
})

afterAll(async () => {
  await there.stop()
  await here.stop()
  await place.drop()
})

async function get(path: string) {
  const { body } = await here.call('GET', path, { token: null, headers: { authorization: basicOf(here.admin) } })
  return body
}

/** The lines of two instances in the order in which they are told. */
function lines(ofHere: string, ofThere: string): string {
  return [`${HERE} - ${ofHere}\r\n`, `${THERE} - ${ofThere}\r\n`].toSorted().join('')
}

describe('jobs on several instances that share a database', () => {
  it('has a line for each instance that runs it', async () => {
    await here.stack.job('everywhere', { type: 'continuous', triggers: [{ type: 'continuous' }] })
    await eventually('both run it', async () => {
      const { status, detailed_status: detail } = await get('/api/continuouswebjobs/everywhere')
      return status === 'Running' && detail === lines('Running', 'Running')
    })
    const [listed] = await get('/api/webjobs')
    expect(listed).toMatchObject({ name: 'everywhere', detailed_status: lines('Running', 'Running') })
  })

  it('is active on one of them when it is a singleton', async () => {
    await here.stack.job('once', { type: 'continuous', triggers: [{ type: 'continuous', singleton: true }] })
    await eventually('one runs it', async () => (await get('/api/continuouswebjobs/once')).status === 'Running')
    const { detailed_status: detail } = await get('/api/continuouswebjobs/once')
    expect([lines('Running', 'InactiveInstance'), lines('InactiveInstance', 'Running')]).toContain(detail)
  })
})
