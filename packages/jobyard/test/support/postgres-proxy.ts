import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A wire between a program and PostgreSQL that can be cut in the ways that a kill of the server never shows. */
export interface Proxy {
  /** The address to use instead of the server's own. */
  readonly url: string
  /** From now on nothing passes any more, but nobody is told: the half-open connection. New ones hang as well. */
  freeze(): void
  /** Ends what was frozen, as a network does that comes back, and lets new connections pass. */
  thaw(): void
  /**
   * Cuts every connection whose program sends a message with this text: before it reaches the server, or after, when
   * the answer is on its way.
   */
  cutAt(text: string, when: 'before' | 'after'): void
  /** From now on, so many bytes a second pass on their way to the server. */
  slow(bytesPerSecond: number): void
  close(): Promise<void>
}

/** Opens a proxy before the server behind `url`. */
export async function openProxy(url: string): Promise<Proxy> {
  const target = new URL(url)
  const { port, hostname } = target
  const sockets = new Set<Socket>()
  let frozen = false
  let rate = Number.POSITIVE_INFINITY
  let cut: { text: string; when: 'before' | 'after' } | undefined
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        if (!frozen) to.destroy()
      })
    }
    let cutting = false
    client.on('data', (data: Buffer) => {
      if (frozen || cutting) return
      if (cut === undefined || !data.includes(cut.text)) {
        if (rate === Number.POSITIVE_INFINITY) upstream.write(data)
        else passSlowly(client, upstream, data, rate)
        return
      }
      cutting = true
      if (cut.when === 'after') upstream.write(data)
      else client.destroy()
    })
    upstream.on('data', (data) => {
      if (frozen) return
      if (cutting) client.destroy()
      else client.write(data)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  target.port = String((server.address() as AddressInfo).port)
  return {
    url: target.href,
    freeze() {
      frozen = true
    },
    thaw() {
      frozen = false
      for (const socket of sockets) socket.destroy()
    },
    cutAt(text, when) {
      cut = { text, when }
    },
    slow(bytesPerSecond) {
      rate = bytesPerSecond
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Hands data on in small pieces; what comes behind waits for them. */
function passSlowly(from: Socket, to: Socket, data: Buffer, bytesPerSecond: number): void {
  const piece = Math.ceil(bytesPerSecond / 100)
  from.pause()
  const passOn = (rest: Buffer): void => {
    to.write(rest.subarray(0, piece))
    if (rest.length > piece) setTimeout(passOn, 10, rest.subarray(piece))
    else from.resume()
  }
  passOn(data)
}
