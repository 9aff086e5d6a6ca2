import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** What is asked for, over how many connections, and how often in all. */
export interface Asking {
  /** Such as `http://127.0.0.1:41234`. */
  readonly address: string
  readonly token: string
  readonly path: string
  readonly connections: number
  readonly count: number
}

/**
 * Sends the same POST again and again, on each connection the next as soon as the one before is answered. It reads no more
 * of an answer than it must, because it shares the processors with what is measured. Throws when one is refused.
 */
export async function askOften({ address, token, path, connections, count }: Asking): Promise<void> {
  const { hostname, port, host } = new URL(address)
  const head = [
    `POST ${path} HTTP/1.1`,
    `host: ${host}`,
    `authorization: Bearer ${token}`,
    'content-type: application/json',
  ]
  const request = `${[...head, 'content-length: 2'].join('\r\n')}\r\n\r\n{}`
  let left = count
  const ask = async (): Promise<void> => {
    const socket = connect(Number(port), hostname)
    socket.setNoDelay(true)
    await once(socket, 'connect')
    try {
      while (left-- > 0) await exchange(socket, request)
    } finally {
      socket.destroy()
    }
  }
  await Promise.all(Array.from({ length: connections }, ask))
}

/** One request and its answer, which has a length. */
function exchange(socket: Socket, request: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const end = (error?: Error): void => {
      socket.off('data', hear).off('error', end).off('close', closed)
      if (error === undefined) resolve()
      else reject(error)
    }
    const closed = (): void => end(new Error('The server has closed the connection.'))
    const hear = (chunk: Buffer): void => {
      answer += chunk.toString('latin1')
      const body = answer.indexOf('\r\n\r\n') + 4
      const length = body < 4 ? undefined : /^content-length: (\d+)/im.exec(answer)?.[1]
      if (length === undefined || answer.length < body + Number(length)) return
      end(answer.startsWith('HTTP/1.1 2') ? undefined : new Error(`It was answered: ${answer}`))
    }
    socket.on('data', hear).on('error', end).on('close', closed)
    socket.write(request)
  })
}
