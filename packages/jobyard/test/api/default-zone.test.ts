import { afterAll, beforeAll, expect, test } from 'vitest'
import { type LiveServer, startLiveServer } from '../cli/live-server.ts'
import { deployScript } from '../client/scripts.ts'

let server: LiveServer

beforeAll(async () => {
  server = await startLiveServer()
})
afterAll(() => server.stop())

test('a schedule for which nobody named a zone says so, and goes by that of its collection', async () => {
  const { jobs, settings } = server.client
  await settings.change({ WEBSITE_TIME_ZONE: 'W. Europe Standard Time' })
  const triggers = [
    { type: 'schedule', ncrontab: '0 0 3 * * *' },
    { type: 'schedule', ncrontab: '0 0 4 * * *', timeZone: 'Europe/Berlin' },
  ]
  await deployScript(server.client, 'zoned', 'true', { triggers })
  const shown = async () =>
    (await jobs.get('zoned')).triggers.map((trigger) =>
      trigger.type === 'schedule' ? [trigger.ncrontab, trigger.timeZone, trigger.zone] : [],
    )
  expect(await shown()).toEqual([
    ['0 0 3 * * *', 'Europe/Berlin', 'default'],
    ['0 0 4 * * *', 'Europe/Berlin', undefined],
  ])
  await settings.change({ WEBSITE_TIME_ZONE: 'Asia/Tokyo' })
  expect(await shown()).toEqual([
    ['0 0 3 * * *', 'Asia/Tokyo', 'default'],
    ['0 0 4 * * *', 'Europe/Berlin', undefined],
  ])
})

test('a preview goes by the zone that is named, else by that of the collection that is named, else by UTC', async () => {
  const { schedules, settings, collections } = server.client
  await settings.change({ WEBSITE_TIME_ZONE: 'Asia/Tokyo' })
  await collections.create('elsewhere')
  const zone = async (more: object) => {
    const { timeZone, occurrences } = await schedules.preview({ ncrontab: '0 0 3 * * *', count: 1, ...more })
    return `${timeZone} ${occurrences[0]?.offset}`
  }
  expect(await zone({})).toBe('UTC +00:00')
  expect(await zone({ collection: 'default' })).toBe('Asia/Tokyo +09:00')
  expect(await zone({ collection: 'elsewhere' })).toBe('UTC +00:00')
  expect(await zone({ collection: 'default', timeZone: 'Tokyo Standard Time' })).toBe('Asia/Tokyo +09:00')
  await expect(zone({ collection: 'none' })).rejects.toMatchObject({ code: 'collection-unknown' })
})
