import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Run } from '@jobyard/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { whyNot } from './interpreters.ts'
import { openYard, readOutput, type Yard } from './yard.ts'

const missing = await whyNot('php')
const title = `the webhook in PHP${missing === undefined ? '' : ` (skipped: ${missing})`}`
const SAMPLE = join(import.meta.dirname, '..', '..', '..', '..', 'examples', 'orders-php', 'order.json')

describe.skipIf(missing !== undefined)(title, () => {
  let yard: Yard
  let call: (body: string, password?: string) => Promise<Response>

  beforeAll(async () => {
    yard = await openYard()
    await yard.deploy('orders-php', { name: 'orders', policy: { overlap: 'queue' } })
    const webhook = await yard.jobyard.webhooks.set('orders')
    call = (body, password = webhook.password) =>
      fetch(webhook.url, {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`shop:${password}`).toString('base64')}`,
          'content-type': 'application/json',
        },
        body,
      })
  })

  afterAll(() => yard.stop())

  /** Calls the webhook and waits for the end of its run. */
  async function send(body: string): Promise<{ run: Run; text: string; errors: string }> {
    const answer = await call(body)
    expect(answer.status).toBe(202)
    const { runId } = (await answer.json()) as { runId: string }
    const run = await yard.jobyard.runs.wait(runId, { timeoutMs: 30_000 })
    return { run, ...(await readOutput(yard.jobyard, runId)) }
  }

  it('takes the orders of a call', async () => {
    const { run, text } = await send(await readFile(SAMPLE, 'utf8'))
    expect(text).toBe(
      'order A-1001 of Ada Lovelace: 21.00\norder A-1002 of Grace Hopper: 9.60\n2 new orders over 30.60, 0 known before\n',
    )
    expect(run).toMatchObject({ state: 'completed', why: 'webhook' })
  })

  it('takes each order once, however often it is sent', async () => {
    const { text } = await send(await readFile(SAMPLE, 'utf8'))
    expect(text).toContain('0 new orders over 0.00, 2 known before')
  })

  it('takes every call when many come at once, one after the other', async () => {
    const order = (id: number) =>
      JSON.stringify({
        orders: [{ id: `B-${id}`, customer: 'Zoë', lines: [{ sku: 'x', quantity: 1, price: '0.10' }] }],
      })
    const sent = await Promise.all(Array.from({ length: 8 }, (_, id) => send(order(id))))
    expect(sent.map(({ run }) => run.state)).toEqual(Array(8).fill('completed'))
    const { text } = await send(order(7))
    expect(text).toContain('0 new orders over 0.00, 1 known before')
  })

  it('refuses a body with a mistake in it as a whole', async () => {
    const body = { orders: [{ id: 'C-1', customer: 'Ada', lines: [{ sku: 'x', quantity: 0, price: '1,00' }] }] }
    const { run, errors } = await send(JSON.stringify(body))
    expect(run).toMatchObject({ state: 'failed', exitCode: 2 })
    expect(errors.split('\n')).toEqual([
      'orders: orders[0].lines[0].quantity is no number of 1 or more',
      'orders: orders[0].lines[0].price is no price such as "4.50"',
      '',
    ])
  })

  it('is not run for who has the wrong password', async () => {
    expect((await call('{}', 'wrong')).status).toBe(401)
  })
})
