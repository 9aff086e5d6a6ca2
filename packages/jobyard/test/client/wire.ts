import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket, connect as tcpConnect } from 'node:net'

/** A network between a client and a server that can be made to fail. */
export interface Wire {
  /** Where clients connect, as the address of the server behind it. */
  readonly url: string
  /** Connections that were made so far, refused ones included. */
  readonly connections: number
  /** Breaks all connections that are open. */
  cut(): void
  /** Breaks the next so many connections as soon as something is sent over them. */
  refuse(count: number): void
  /** Lets nothing through any more on connections that are made from now on, without breaking them. */
  hold(): void
  close(): Promise<void>
}

/** Puts a wire before a server. */
export async function layWire(target: string): Promise<Wire> {
  const { hostname, port } = new URL(target)
  const open = new Set<Socket>()
  let connections = 0
  let refusing = 0
  let holding = false
  const server = createServer((near) => {
    connections++
    open.add(near)
    near.on('error', () => near.destroy())
    near.on('close', () => open.delete(near))
    if (refusing > 0) {
      refusing--
      near.once('data', () => near.resetAndDestroy())
      return
    }
    if (holding) {
      near.resume()
      return
    }
    const far = tcpConnect({ host: hostname, port: Number(port) })
    far.on('error', () => near.destroy())
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
    near.pipe(far).pipe(near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${address.port}`,
    get connections() {
      return connections
    },
    cut() {
      for (const socket of open) socket.resetAndDestroy()
    },
    refuse(count) {
      refusing = count
    },
    hold() {
      holding = true
    },
    async close() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
