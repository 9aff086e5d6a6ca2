import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeZip } from '../script/zip-maker.ts'
import { eventually } from '../support/eventually.ts'
import { ask, golden } from './golden-files.ts'
import { basicOf, openWebJobsYard, UNTIL_TOLD, type WebJobsYard } from './webjobs-yard.ts'

let yard: WebJobsYard

beforeAll(async () => {
  yard = await openWebJobsYard()
})

afterAll(async () => {
  await yard.server.stop()
})

const NAMED = { 'content-disposition': 'attachment; filename=run.sh' }
const ZIPPED = { 'content-disposition': 'attachment; filename=x.zip', 'content-type': 'Application/Zip; charset=x' }

describe('an upload that Kudu would refuse', () => {
  it('needs a name for its file', async () => {
    const path = '/api/triggeredwebjobs/report'
    const wanted = await golden('kudu-no-disposition')
    expect(await yard.raw(path, { method: 'PUT', body: 'exit 0\n' })).toBe(wanted)
    for (const value of ['attachment', "attachment; filename*=utf-8''run.sh", 'attachment; filename=""']) {
      const headers = { 'content-disposition': value }
      expect(await yard.raw(path, { method: 'PUT', headers, body: 'exit 0\n' }), value).toBe(wanted)
    }
  })

  it('needs a script', async () => {
    const zip = { method: 'PUT', headers: ZIPPED, body: makeZip([{ name: 'readme.txt', data: 'hello' }]) }
    expect(await yard.raw('/api/triggeredwebjobs/report', zip)).toBe(await golden('kudu-no-script'))
    const text = { method: 'PUT', headers: { 'content-disposition': 'attachment; filename=readme.txt' }, body: 'hello' }
    expect(await yard.raw('/api/continuouswebjobs/report', text)).toBe(await golden('kudu-no-script'))
  })

  it('says that a script is only for Windows', async () => {
    const headers = { 'content-disposition': 'attachment; filename=run.cmd' }
    const put = { method: 'PUT', headers, body: 'echo hi\r\n' }
    expect(await yard.raw('/api/triggeredwebjobs/report', put)).toBe(await golden('kudu-windows-script'))
  })

  it('is a zip by its type alone', async () => {
    const body = makeZip([{ name: 'run.sh', data: 'exit 0\n' }])
    const asFile = { method: 'PUT', headers: { 'content-disposition': 'attachment; filename=x.zip' }, body }
    expect(await yard.raw('/api/triggeredwebjobs/report', asFile)).toBe(await golden('kudu-no-script'))
    const broken = { method: 'PUT', headers: ZIPPED, body: 'exit 0\n' }
    const answer = await yard.call('/api/triggeredwebjobs/report', broken)
    expect(answer.text.replace(answer.body, 'MESSAGE')).toBe(await golden('kudu-broken-zip'))
    expect(answer.body).toMatch(/zip|archive/i)
    expect((await yard.call('/api/triggeredwebjobs/report', { method: 'PUT', headers: ZIPPED, body })).status).toBe(200)
  })

  it('leaves the job that was there as it was', async () => {
    await yard.script('triggered', 'kept', 'echo first\n')
    const before = (await yard.call('/api/triggeredwebjobs/kept')).body
    await yard.call('/api/triggeredwebjobs/kept', { method: 'PUT', headers: ZIPPED, body: 'nothing' })
    expect((await yard.call('/api/triggeredwebjobs/kept')).body).toBe(before)
  })

  it('comes to nothing when its sender breaks off', async () => {
    await yard.script('triggered', 'kept', 'echo first\n')
    const before = (await yard.call('/api/triggeredwebjobs/kept')).body
    const { hostname, port } = new URL(yard.url)
    const socket = connect(Number(port), hostname)
    const head = [
      'PUT /api/triggeredwebjobs/kept HTTP/1.1',
      'Host: localhost',
      `Authorization: ${yard.basic}`,
      'Content-Disposition: attachment; filename=run.sh',
      'Content-Length: 1000',
    ]
    await new Promise<void>((resolve) => socket.write(`${head.join('\r\n')}\r\n\r\necho half`, () => resolve()))
    await eventually('the upload has begun', async () => (await yard.uploads()).length === 1)
    socket.destroy()
    await eventually('the upload is gone', async () => (await yard.uploads()).length === 0)
    expect((await yard.call('/api/triggeredwebjobs/kept')).body).toBe(before)
  })

  it('is one or the other when two come at once', async () => {
    const answers = await Promise.all(
      ['one', 'two'].map((word) => yard.script('triggered', 'twice', `echo ${word}\n`, `${word}.sh`)),
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    const { run_command: command } = JSON.parse((await yard.call('/api/triggeredwebjobs/twice')).body)
    expect(['one.sh', 'two.sh']).toContain(command)
    expect((await yard.call('/api/triggeredwebjobs')).body.match(/"name":"twice"/g)).toHaveLength(1)
  })

  it('takes the plain name of its file without quotes and folders', async () => {
    for (const name of ['"run.sh"', '"C:\\tmp\\run.sh"', '/tmp/run.sh', '"../run.sh"']) {
      const headers = { 'content-disposition': `inline;FileName=${name}` }
      const put = await yard.call('/api/triggeredwebjobs/quoted', { method: 'PUT', headers, body: 'exit 0\n' })
      expect(JSON.parse(put.body).run_command, name).toBe('run.sh')
    }
  })

  it('may say nothing or nonsense of its type', async () => {
    for (const type of ['', 'nonsense', 'text/html; charset=utf-8', 'multipart/form-data; boundary=x']) {
      const headers = { ...NAMED, ...(type === '' ? {} : { 'content-type': type }) }
      const put = await yard.call('/api/triggeredwebjobs/typed', { method: 'PUT', headers, body: 'exit 0\n' })
      expect(put.status, type).toBe(200)
    }
  })

  it('needs a name that a job can have', async () => {
    const answer = await yard.call('/api/triggeredwebjobs/my.job', { method: 'PUT', headers: NAMED, body: 'exit 0\n' })
    expect(answer.status).toBe(400)
    expect(answer.body).toContain('"my.job"')
  })

  it('refuses settings that are no object and keeps those that are there', async () => {
    await yard.zip('triggered', 'set', { 'run.sh': 'exit 0\n', 'settings.job': '{"note":1}' })
    for (const body of ['', '[]', '{"a":', 'null']) {
      const answer = await yard.call('/api/triggeredwebjobs/set/settings', { method: 'PUT', body })
      expect(answer.status, body).toBe(400)
    }
    expect((await yard.call('/api/triggeredwebjobs/set/settings')).body).toBe('{"note":1}')
  })
})

describe('an address that Kudu has not got', () => {
  it('is told in its words, whatever the method', async () => {
    expect(await yard.raw('/api/triggeredwebjobs/report/nonsense?x=1')).toBe(await golden('kudu-unknown-route'))
    const others = [
      ['POST', '/api/webjobs'],
      ['PUT', '/api/continuouswebjobs'],
      ['POST', '/api/triggeredwebjobs/report'],
      ['GET', '/api/triggeredwebjobs/report/run'],
      ['PATCH', '/jobs/triggered/report/settings'],
      ['POST', '/api/continuouswebjobs/report/run'],
      ['GET', '/jobs/else'],
      ['GET', '/api/deployments'],
      ['POST', '/api/command?x=1'],
      ['GET', '/api'],
    ] as const
    for (const [method, path] of others) {
      const answer = await yard.call(path, { method })
      expect([answer.status, answer.body], `${method} ${path}`).toEqual([404, `"No route registered for '${path}'"`])
    }
  })

  it('is a problem document anywhere else', async () => {
    for (const path of ['/api/jobs?api-version=1', '/v1/nonsense', '/jobsx', '/nonsense']) {
      const answer = await yard.call(path, { headers: { authorization: `Bearer ${yard.server.token}` } })
      expect([answer.status, JSON.parse(answer.body).code], path).toEqual([404, 'route-unknown'])
    }
  })

  it('may be that of another dialect, which its version tells', async () => {
    for (const path of ['/api/jobs?api-version=2022-07-31', '/api/jobs/x?a=1&api-version=2022-07-31']) {
      const answer = await yard.call(path)
      expect(answer.status, path).toBe(404)
      expect(JSON.parse(answer.body).code, path).toBe('route-unknown')
    }
    expect((await yard.call('/api/jobs?other=1')).status).toBe(200)
    expect((await yard.call('/api/webjobs?api-version=2016-08-01')).status).toBe(200)
  })

  it('may be written in any case', async () => {
    await yard.script('triggered', 'Cased', 'exit 0\n')
    const { name } = JSON.parse((await yard.call('/API/TriggeredWebJobs/cASED')).body)
    expect(name).toBe('Cased')
  })
})

describe('who may do what', () => {
  it('is asked for a token', async () => {
    expect((await ask(`${yard.url}/api/webjobs`)).text).toBe(await golden('kudu-unauthorized'))
    for (const authorization of [basicOf('wrong'), 'Basic !!!', 'Basic bm9jb2xvbg==', 'Bearer wrong', 'Digest x']) {
      const answer = await ask(`${yard.url}/api/webjobs`, { headers: { authorization } })
      expect(answer.status, authorization).toBe(401)
      expect(answer.headers['www-authenticate'], authorization).toBe('Basic realm="site"')
    }
  })

  it('may send the token as password of any user, or as Bearer, and whatever browser it seems to be', async () => {
    const { token } = yard.server
    const browser = {
      'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36',
      origin: yard.url,
    }
    for (const authorization of [basicOf(token), basicOf(token, ''), basicOf(token, 'a b'), `Bearer ${token}`]) {
      const answer = await ask(`${yard.url}/api/webjobs`, { headers: { authorization } })
      expect(answer.status, authorization).toBe(200)
    }
    await yard.script('triggered', 'browsed', 'exit 0\n')
    const path = '/api/triggeredwebjobs/browsed/run'
    expect((await yard.call(path, { method: 'POST', headers: browser })).status).toBe(202)
  })

  it('may not be a page of another site in a browser that knows the password', async () => {
    await yard.script('triggered', 'forged', 'exit 0\n')
    const path = '/api/triggeredwebjobs/forged'
    const from = (site: string) => ({ headers: { 'sec-fetch-site': site, 'content-type': 'text/plain' } })
    for (const site of ['cross-site', 'same-site']) {
      expect((await yard.call(`${path}/run`, { method: 'POST', ...from(site) })).status, site).toBe(403)
      expect((await yard.call(path, { method: 'DELETE', ...from(site) })).status, site).toBe(403)
      expect((await yard.call(path, from(site))).status, site).toBe(200)
    }
    for (const site of ['same-origin', 'none']) {
      expect((await yard.call(`${path}/settings`, { method: 'PUT', body: '{}', ...from(site) })).status, site).toBe(200)
    }
  })

  it('may not be a page of another site where browsers say who asks in Origin alone', async () => {
    await yard.script('triggered', 'unsafe', 'exit 0\n')
    const path = '/api/triggeredwebjobs/unsafe'
    const from = (origin: string) => ({ headers: { origin, 'content-type': 'text/plain' } })
    const { host, port } = new URL(yard.url)
    const others = ['http://evil.example', 'null', `http://127.0.0.1:${Number(port) + 1}`, 'nonsense', `http://evil@`]
    for (const origin of others) {
      for (const [method, asked] of [
        ['POST', `${path}/run`],
        ['DELETE', path],
        ['POST', '/api/hooks'],
        ['POST', '/api/settings'],
        ['PUT', '/api/vfs/site/wwwroot/App_Data/jobs/triggered/unsafe/x.txt'],
      ] as const) {
        const answer = await yard.call(asked, { method, body: '{}', ...from(origin) })
        expect(answer.status, `${method} ${asked} from ${origin}`).toBe(403)
      }
      expect((await yard.call(path, from(origin))).status, origin).toBe(200)
    }
    for (const origin of [yard.url, `https://${host}`]) {
      expect((await yard.call(`${path}/settings`, { method: 'PUT', body: '{}', ...from(origin) })).status).toBe(200)
    }
  })

  it('does not take such a password for /v1', async () => {
    const answer = await yard.call('/v1/me')
    expect([answer.status, JSON.parse(answer.body).code]).toEqual([401, 'token-missing'])
  })

  it('needs the role for it', async () => {
    await yard.script('continuous', 'ruled', UNTIL_TOLD)
    await yard.script('triggered', 'ruled', 'exit 0\n')
    const routes = [
      ['viewer', 'GET', '/api/webjobs'],
      ['viewer', 'GET', '/api/triggeredwebjobs/ruled'],
      ['viewer', 'GET', '/api/triggeredwebjobs/ruled/settings'],
      ['operator', 'POST', '/api/triggeredwebjobs/ruled/run'],
      ['operator', 'POST', '/api/continuouswebjobs/ruled/stop'],
      ['operator', 'POST', '/api/continuouswebjobs/ruled/start'],
      ['deployer', 'PUT', '/api/triggeredwebjobs/ruled/settings'],
      ['deployer', 'PUT', '/api/triggeredwebjobs/ruled'],
      ['deployer', 'DELETE', '/api/continuouswebjobs/ruled'],
    ] as const
    const roles = ['viewer', 'operator', 'deployer', 'admin'] as const
    for (const role of roles) {
      const { token } = await yard.server.client.tokens.create({ name: `only-${role}`, role })
      const headers = { ...NAMED, authorization: basicOf(token) }
      for (const [needed, method, path] of routes) {
        const answer = await yard.call(path, { method, headers, ...(method === 'PUT' ? { body: '{}' } : {}) })
        const may = roles.indexOf(role) >= roles.indexOf(needed)
        expect(answer.status === 403, `${role} ${method} ${path}`).toBe(!may)
      }
    }
    const { token } = await yard.server.client.tokens.create({ name: 'looks', role: 'viewer' })
    const answer = await yard.call('/api/triggeredwebjobs/ruled/run', {
      method: 'POST',
      headers: { authorization: basicOf(token) },
    })
    expect(answer.text.replace(answer.body, 'MESSAGE')).toBe(await golden('kudu-forbidden'))
  })

  it('may start a job with the password of its webhook, and do nothing else with that', async () => {
    await yard.script('triggered', 'hooked', 'exit 0\n')
    await yard.script('triggered', 'unhooked', 'exit 0\n')
    await yard.server.client.jobs.patch('hooked', { policy: { overlap: 'allow' } })
    const { password } = await yard.server.client.webhooks.set('hooked')
    const headers = { authorization: basicOf(password) }
    const post = { method: 'POST', headers }
    for (const base of ['/api/triggeredwebjobs', '/api/jobs/triggered']) {
      expect((await yard.call(`${base}/hooked/run`, post)).status, base).toBe(202)
    }
    const [run] = await yard.server.client.runs.list({ job: 'hooked' }).take(1)
    expect(run?.detail).toMatchObject({ by: 'webhook of hooked' })
    const others = [
      ['POST', '/api/triggeredwebjobs/unhooked/run'],
      ['POST', '/api/triggeredwebjobs/none/run'],
      ['GET', '/api/triggeredwebjobs/hooked'],
      ['GET', '/api/triggeredwebjobs/hooked/history'],
      ['DELETE', '/api/triggeredwebjobs/hooked'],
      ['GET', '/v1/me'],
    ] as const
    for (const [method, path] of others) expect((await yard.call(path, { method, headers })).status, path).toBe(401)
    const wrong = { method: 'POST', headers: { authorization: basicOf(`${password}x`) } }
    expect((await yard.call('/api/triggeredwebjobs/hooked/run', wrong)).status).toBe(401)
  })

  it('is locked out for a while after too many wrong passwords, the right one apart', async () => {
    const wrong = { headers: { authorization: basicOf('guess') } }
    await eventually('there are too many', async () => (await ask(`${yard.url}/api/webjobs`, wrong)).status === 429)
    expect((await ask(`${yard.url}/api/webjobs`, wrong)).headers['retry-after']).toMatch(/^\d+$/)
    expect((await yard.call('/api/webjobs')).status).toBe(200)
  })
})

describe('the site of a request', () => {
  it('is the collection that the host begins with, else the only one of the token, else the default one', async () => {
    const { client } = yard.server
    await client.collections.create('shop')
    await client.collections.create('store')
    const limited = await client.tokens.create({ name: 'of-shop', role: 'deployer', collection: 'shop' })
    const asShop = { authorization: basicOf(limited.token) }
    const names = async (headers: Record<string, string>) => {
      const { status, body } = await yard.call('/api/webjobs', { headers })
      return status === 200 ? JSON.parse(body).map((job: { name: string }) => job.name) : status
    }
    const put = { method: 'PUT', headers: { ...NAMED, ...asShop }, body: 'exit 0\n' }
    await yard.call('/api/triggeredwebjobs/in-shop', put)
    expect(await names({ host: 'shop.scm.example.com' })).toEqual(['in-shop'])
    expect(await names({ host: 'SHOP:8080' })).toEqual(['in-shop'])
    expect(await names(asShop)).toEqual(['in-shop'])
    expect(await names({ ...asShop, host: 'unknown.example.com' })).toEqual(['in-shop'])
    expect(await names({ host: 'store.example.com' })).toEqual([])
    expect(await names({ ...asShop, host: 'store.example.com' })).toBe(401)
    expect(await names({ host: 'unknown.example.com' })).not.toContain('in-shop')
  })

  it('is in the addresses of the answer', async () => {
    await yard.script('triggered', 'hosted', 'exit 0\n')
    const { body } = await yard.call('/api/triggeredwebjobs/hosted', { headers: { host: 'default.example.com:81' } })
    expect(JSON.parse(body).url).toBe('http://default.example.com:81/api/triggeredwebjobs/hosted')
    const odd = await yard.call('/api/triggeredwebjobs/hosted', { headers: { host: 'a"b' } })
    expect([400, 200]).toContain(odd.status)
    if (odd.status === 200) expect(JSON.parse(odd.body).url).toBe(`${yard.url}/api/triggeredwebjobs/hosted`)
  })
})

describe('the arguments of a run', () => {
  it('reach the script one by one, and as they were written', async () => {
    const script =
      'printf "%s|" "$#" "$@" "$WEBJOBS_COMMAND_ARGUMENTS" > "$WEBJOBS_DATA_PATH/seen"; cat "$WEBJOBS_DATA_PATH/seen"\n'
    await yard.script('triggered', 'args', script)
    const path = '/api/triggeredwebjobs/args/run?arguments=%22first+arg%22%20a%2Bb'
    const { headers } = await yard.call(path, {
      method: 'POST',
      body: 'ignored',
      headers: { 'content-type': 'text/x' },
    })
    const { pathname } = new URL(String(headers.location))
    await eventually('the run has ended', async () => JSON.parse((await yard.call(pathname)).body).status === 'Success')
    const [run] = await yard.server.client.runs.list({ job: 'args' }).take(1)
    expect(run?.detail).toMatchObject({ arguments: '"first arg" a+b', userAgent: '' })
    const output = await new Response(await yard.server.client.output.text({ run: run?.id ?? '' })).text()
    expect(output).toContain('2|first arg|a+b|"first arg" a+b|')
  })
})

describe('the name of an uploaded script', () => {
  it('may have any letters', async () => {
    for (const name of ['täst.sh', '日本語.sh']) {
      const answer = await yard.script('triggered', 'letters', 'echo "$0"\n', Buffer.from(name).toString('latin1'))
      expect([answer.status, JSON.parse(answer.body).run_command], name).toEqual([200, name])
      expect((await yard.runToEnd('letters')).status, name).toBe('Success')
    }
  })
})
