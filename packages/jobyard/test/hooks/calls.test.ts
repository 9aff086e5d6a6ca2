import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { Dialer } from '../../src/outbound/dialer.ts'
import { HookCaller } from '../../src/services/hooks/calls.ts'
import { hookPlace } from '../../src/services/hooks/hooks.ts'
import { Sealer } from '../../src/store/seal.ts'
import { eventually } from '../support/eventually.ts'
import { ACTOR, DATABASES, makePlace, type Place, type Stack, startStack } from '../support/stack.ts'
import { Held, TestKind } from '../support/test-kind.ts'
import { type Receiver, startReceiver } from './receiver.ts'

const sealer = new Sealer(Buffer.alloc(32, 3))
const describer = {
  describeRun: (run: { id: string; number: number; state: string }) => JSON.stringify([run.number, run.state]),
  describeDeployment: ({ jobName, hash }: { jobName: string; hash: string }) => JSON.stringify([jobName, hash]),
  describeExample: (event: string, collection: string) => JSON.stringify([event, collection]),
}

describe.each(DATABASES)('on %s', (database) => {
  let place: Place
  let stack: Stack
  let receiver: Receiver
  const kind = new TestKind()

  beforeAll(async () => {
    place = await makePlace(database)
    stack = await startStack({ kinds: [kind], place })
  })
  afterAll(async () => {
    await stack.stop()
    await place.drop()
  })
  beforeEach(async () => {
    for (const { id } of await hooks()) await stack.store.write('deleteHook', { id, actor: ACTOR, at: 0 })
    receiver = await startReceiver()
    const mine = receiver
    onTestFinished(() => mine.stop())
    kind.work = () => ({ state: 'completed' })
  })

  const hooks = () => stack.store.read('listHooks', { collectionId: stack.collectionId })

  /** Begins to make calls; ends at the test's end, or before. */
  async function call(
    callMs = 2000,
    alone = false,
    stopMs = 60_000,
  ): Promise<{ caller: HookCaller; stop(): Promise<void> }> {
    const { store, parts } = stack
    const dialer = new Dialer({ clock: systemClock, networks: ['loopback'] })
    const { events, clock, random } = parts
    const common = { store, events, clock, random, sealer, dialer, describer, version: 'test', callMs, alone, stopMs }
    const caller = new HookCaller(common)
    await caller.start()
    let stopped: Promise<void> | undefined
    const stop = () => {
      stopped ??= caller.stop().then(() => dialer.stop())
      return stopped
    }
    onTestFinished(stop)
    return { caller, stop }
  }

  async function addHook(path = '/', event: 'run-finished' | 'deployed' = 'run-finished', secret?: string) {
    const url = `${receiver.url}${path}`
    const { collectionId } = stack
    const sealed = secret === undefined ? {} : { credentials: sealer.seal(secret, hookPlace(collectionId, url)).sealed }
    const draft = { id: stack.parts.ids.next(), collectionId, event, url, insecure: false, ...sealed }
    return (await stack.store.write('addHook', { draft, actor: ACTOR, at: systemClock.now() })).hook
  }

  async function finish(name: string, state: 'completed' | 'failed' = 'completed'): Promise<void> {
    await stack.reach(await stack.run(await stack.job(name)), state)
  }

  const received = (count: number) =>
    eventually(`${count} calls came`, () => receiver.calls.length >= count && [...receiver.calls])

  test('a trial is one call at once, whoever else asks for one, and is on record', async () => {
    const { id } = await addHook('/try', 'deployed', `${receiver.url.replace('//', '//me:pw@')}/try`)
    const { caller, stop } = await call()
    const release = Promise.withResolvers<void>()
    receiver.answer = (response) => void release.promise.then(() => response.writeHead(202).end())
    const trials = [caller.try(id, ACTOR), caller.try(id, ACTOR)]
    const [made] = await received(1)
    release.resolve()
    await Promise.all(trials)
    expect(receiver.calls).toHaveLength(1)
    expect(made?.headers).toMatchObject({ 'x-jobyard-test': 'true', authorization: `Basic ${btoa('me:pw')}` })
    expect(JSON.parse(made?.body ?? '')[0]).toBe('deployed')
    expect(await hooks()).toMatchObject([{ id, lastStatus: 202, lastReason: 'Accepted', lastBody: made?.body }])
    const entries = await stack.store.read('listAudit', { limit: 100 })
    expect(entries.find(({ action }) => action === 'hook.test')).toMatchObject({
      targetId: id,
      detail: { status: 202 },
    })
    receiver.answer = () => undefined
    const broken = caller.try(id, ACTOR)
    await received(2)
    await stop()
    await broken
    expect(await hooks()).toMatchObject([{ lastStatus: null }])
    await expect(caller.try('nobody', ACTOR)).rejects.toMatchObject({ code: 'hook-unknown' })
  })

  test('trials that get no answer end at once when they are told to, and no others begin', async () => {
    const { id } = await addHook('/silent')
    receiver.answer = () => undefined
    const { caller } = await call(60_000)
    const trial = caller.try(id, ACTOR)
    await received(1)
    caller.endTrials()
    await trial
    expect(await hooks()).toMatchObject([{ id, lastStatus: null, lastReason: expect.stringMatching(/server stopped/) }])
    await caller.try(id, ACTOR)
    expect(receiver.calls).toHaveLength(1)
  })

  test('each end of a run is told to each hook once, however it ended', async () => {
    await addHook('/a')
    await addHook('/b?code=1')
    const { stop } = await call()
    await finish('told')
    kind.work = () => ({ state: 'failed', reason: { code: 'exit-code', text: 'It failed.' } })
    await finish('told', 'failed')
    const calls = await received(4)
    await stop()
    expect(calls.map(({ path, body }) => [path, body]).toSorted()).toEqual([
      ['/a', '[1,"completed"]'],
      ['/a', '[2,"failed"]'],
      ['/b?code=1', '[1,"completed"]'],
      ['/b?code=1', '[2,"failed"]'],
    ])
    expect(calls[0]).toMatchObject({
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'Jobyard/test' },
    })
    expect(await hooks()).toMatchObject([
      { lastStatus: 200, lastReason: 'OK', lastBody: '[2,"failed"]' },
      { lastStatus: 200 },
    ])
  })

  test('what ended while nobody made calls is told when somebody does, once', async () => {
    await addHook()
    await finish('before')
    await finish('before')
    expect(receiver.calls).toEqual([])
    const { stop } = await call()
    await received(2)
    await stop()
    const again = await call()
    again.caller.wake()
    await finish('before')
    await received(3)
    await again.stop()
    expect(receiver.calls.map(({ body }) => body).toSorted()).toEqual([
      '[1,"completed"]',
      '[2,"completed"]',
      '[3,"completed"]',
    ])
  })

  test('a call that was held by a server that died is made by the next one', async () => {
    await addHook()
    await finish('held')
    const claim = { holdMs: 60_000, limit: 10, perHook: 10, perCollection: 10, underWay: [] }
    const at = systemClock.now()
    expect((await stack.store.write('claimHookCalls', { ...claim, at })).calls).toHaveLength(1)
    // While it is held nobody else has it; when its time is over, somebody has.
    expect((await stack.store.write('claimHookCalls', { ...claim, at })).calls).toEqual([])
    expect((await stack.store.write('claimHookCalls', { ...claim, at: at + 60_000 })).calls).toHaveLength(1)
    // Where there is nobody else, it is taken over at once.
    const { stop } = await call(2000, true)
    await received(1)
    await stop()
    expect(receiver.calls).toHaveLength(1)
  })

  test('nothing is to be told before the run has ended', async () => {
    await addHook()
    kind.work = new Held().work
    const id = await stack.run(await stack.job('under-way'))
    await stack.reach(id, 'running')
    expect((await claimAll()).length).toBe(0)
    await stack.engine.want([id], 'stop', { code: 'user', text: 'Enough.' })
    await eventually('the end is to be told', async () => (await claimAll()).length === 1)
  })

  async function claimAll() {
    const more = { limit: 100, perHook: 100, perCollection: 100, underWay: [] }
    const bounds = { at: systemClock.now(), holdMs: 60_000, ...more }
    return (await stack.store.write('claimHookCalls', bounds)).calls
  }

  test('continuous jobs and other events are not told', async () => {
    await addHook('/ends')
    await addHook('/deployments', 'deployed')
    const id = await stack.job('goes-on', { type: 'continuous', triggers: [{ type: 'continuous', singleton: false }] })
    await eventually(
      'it has ended',
      async () => (await stack.store.read('latestRuns', { jobIds: [id] }))[0]?.finishedAt,
    )
    await stack.engine.deleteJob(id, 'goes-on', ACTOR)
    const hash = 'a'.repeat(64)
    await stack.store.write('enterPackage', {
      entered: { hash, files: 1, bytes: 1, detail: {} },
      at: systemClock.now(),
    })
    await stack.job('deployed', { packageHash: hash })
    const { stop } = await call()
    const [only] = await received(1)
    await stop()
    expect(receiver.calls).toHaveLength(1)
    expect(only).toMatchObject({ path: '/deployments', body: JSON.stringify(['deployed', hash]) })
  })

  test('a call that fails is not repeated, and how it went is kept', async () => {
    const hook = await addHook()
    receiver.answer = (response) => void response.writeHead(503, 'Come later').end('no')
    const { stop } = await call(200)
    await finish('failing')
    const last = () => stack.store.read('getHook', { id: hook.id })
    await eventually('the refusal is kept', async () => (await last())?.lastStatus === 503)
    expect(await last()).toMatchObject({ lastReason: 'Come later', lastBody: '[1,"completed"]' })
    receiver.answer = () => undefined
    await finish('failing')
    await eventually('the silence is kept', async () => (await last())?.lastReason?.includes('200 ms'))
    expect(await last()).toMatchObject({ lastStatus: null, lastBody: '[2,"completed"]' })
    await stop()
    const next = await call()
    next.caller.wake()
    await next.stop()
    expect(receiver.calls).toHaveLength(2)
  })

  test('an address that answers 410 is not called again', async () => {
    await addHook()
    receiver.answer = (response) => void response.writeHead(410).end()
    const { stop } = await call()
    await finish('gone')
    await eventually('the hook is gone', async () => (await hooks()).length === 0)
    await finish('gone')
    await stop()
    expect(receiver.calls).toHaveLength(1)
    const entries = await stack.store.read('listAudit', { limit: 10 })
    const entry = entries.find(({ action }) => action === 'hook.delete')
    expect(entry).toMatchObject({ action: 'hook.delete', actor: 'hooks', detail: { why: 'The address answered 410.' } })
  })

  test('user and password go with the call, and a redirect is not followed', async () => {
    const hook = await addHook('/x', 'run-finished', `${receiver.url.replace('//', '//me:secret@')}/x`)
    expect(JSON.stringify(hook)).not.toContain('secret')
    expect(hook.hasCredentials).toBe(true)
    receiver.answer = (response) => void response.writeHead(302, { location: '/elsewhere' }).end()
    const { stop } = await call()
    await finish('secret')
    await eventually('the answer is kept', async () => (await hooks())[0]?.lastStatus === 302)
    await stop()
    expect(receiver.calls).toHaveLength(1)
    expect(receiver.calls[0]?.headers.authorization).toBe(`Basic ${Buffer.from('me:secret').toString('base64')}`)
  })

  test('a hook that answers slowly does not keep others waiting', async () => {
    await addHook('/slow')
    await addHook('/quick')
    receiver.answer = (response, { path }) => (path === '/quick' ? void response.end() : undefined)
    const { stop } = await call(3000)
    await Promise.all(Array.from({ length: 12 }, () => finish('many')).map((each) => each.catch(() => undefined)))
    for (let i = 0; i < 12; i++) await finish('more')
    const quick = () => receiver.calls.filter(({ path }) => path === '/quick')
    await eventually('the quick one was told of all', () => quick().length >= 12, 2900)
    expect(receiver.calls.filter(({ path }) => path === '/slow').length).toBeLessThanOrEqual(8)
    await stop()
  })

  test('many hooks that do not answer do not keep one waiting that does', async () => {
    for (let i = 0; i < 60; i++) await addHook(`/silent/${i}`)
    await addHook('/quick')
    receiver.answer = (response, { path }) => (path === '/quick' ? void response.end() : undefined)
    const { stop } = await call(8000, false, 100)
    for (let i = 0; i < 3; i++) await finish('told-to-many')
    const quick = () => receiver.calls.filter(({ path }) => path === '/quick')
    await eventually('the quick one was told of all', () => quick().length === 3, 5000)
    await stop()
  })

  test('a hook whose calls are all under way does not stand before others', async () => {
    const [one, two] = [await addHook('/one'), await addHook('/two')]
    await finish('in-turn')
    const bounds = { holdMs: 60_000, limit: 1, perHook: 1, perCollection: 10, underWay: [] }
    const claimed = async () =>
      (await stack.store.write('claimHookCalls', { ...bounds, at: systemClock.now() })).calls.map(
        ({ hookId }) => hookId,
      )
    expect(await claimed()).toEqual([one.id])
    expect(await claimed()).toEqual([two.id])
    expect(await claimed()).toEqual([])
  })

  test('no collection, and no hook that gave no answer, takes more than its share', async () => {
    const [one, two] = [await addHook('/one'), await addHook('/two')]
    for (let i = 0; i < 4; i++) await finish('shared')
    const at = systemClock.now()
    const claimed = async (perCollection: number, underWay: { hookId: string; collectionId: string }[]) => {
      const bounds = { at, holdMs: 0, limit: 100, perHook: 3, perCollection, underWay }
      const { calls } = await stack.store.write('claimHookCalls', bounds)
      return [one, two].map(({ id }) => calls.filter(({ hookId }) => hookId === id).length)
    }
    const { collectionId } = stack
    expect(await claimed(100, [])).toEqual([3, 3])
    expect(await claimed(4, [])).toEqual([3, 1])
    expect(await claimed(4, [{ hookId: one.id, collectionId }])).toEqual([2, 1])
    expect(await claimed(4, [{ hookId: 'other', collectionId: 'other' }])).toEqual([3, 1])
    const silence = { status: null, reason: 'It was silent.', body: '' }
    await stack.store.write('settleHookCall', { id: 'none', hookId: one.id, result: silence, at })
    expect(await claimed(100, [])).toEqual([1, 3])
  })

  test('a stop does not wait for addresses that do not answer, and the call is made by the next server', async () => {
    const hook = await addHook('/silent')
    receiver.answer = () => undefined
    const { stop } = await call(60_000, false, 100)
    await finish('stopped')
    await received(1)
    const began = systemClock.elapsed()
    await stop()
    expect(systemClock.elapsed() - began).toBeLessThan(10_000)
    expect(await stack.store.read('getHook', { id: hook.id })).toMatchObject({ lastAt: null })
    receiver.answer = (response) => void response.end()
    const next = await call(2000, true)
    await received(2)
    await next.stop()
  })

  test('a hook is there once, and its calls go with it', async () => {
    const hook = await addHook('/one')
    expect((await addHook('/one')).id).toBe(hook.id)
    await expect(addHook('/one', 'deployed')).rejects.toMatchObject({ code: 'hook-exists' })
    await finish('dropped')
    await stack.store.write('deleteHook', { id: hook.id, actor: ACTOR, at: 0 })
    await expect(stack.store.write('deleteHook', { id: hook.id, actor: ACTOR, at: 0 })).rejects.toMatchObject({
      code: 'hook-unknown',
    })
    expect(await claimAll()).toEqual([])
  })

  test('no more hooks than a hundred, and no call waits for more than a day', async () => {
    for (let i = 0; i < 100; i++) await addHook(`/${i}`)
    await expect(addHook('/more')).rejects.toMatchObject({ code: 'hook-limit' })
    await finish('waits')
    const at = systemClock.now()
    expect(await stack.store.write('dropHookCalls', { at })).toBe(0)
    expect(await stack.store.write('dropHookCalls', { at: at + 86_400_001 })).toBe(100)
  })
})
