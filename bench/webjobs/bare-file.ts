import { createReadStream, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/*
 * The bare limit of a download: a process of its own that sends a file by Node's own means and does nothing else. Started with
 * the path of the file; writes its port to standard output, and ends with its standard input.
 */
const [path = ''] = process.argv.slice(2)
const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain', 'content-length': statSync(path).size })
  createReadStream(path).pipe(response)
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))
process.stdin.resume().once('end', () => process.exit())
