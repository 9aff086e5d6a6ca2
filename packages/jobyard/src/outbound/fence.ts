import { type LookupAddress, lookup } from 'node:dns'
import { isIP, type LookupFunction, type Socket } from 'node:net'
import { JobyardError } from '../domain/errors.ts'
import { type Network, type Place, placeOf } from './addresses.ts'

/** How names are resolved; Node's own `dns.lookup` by default. */
export type Resolve = (
  name: string,
  options: { readonly all: true; readonly family: number },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/** Says which addresses may be connected to. The rule is asked of the addresses themselves, never of names. */
export class Fence {
  readonly #allowed: ReadonlySet<Place>
  readonly #resolve: Resolve

  constructor(allowed: readonly Network[], resolve: Resolve = lookup as Resolve) {
    this.#allowed = new Set(allowed)
    this.#resolve = resolve
  }

  /** Whether an address may be connected to. */
  allows(address: string): boolean {
    return this.#allowed.has(placeOf(address))
  }

  /** Refuses a host that is written as an address; Node asks nobody about those. Throws 'destination-refused'. */
  checkHost(host: string): void {
    const address = host.replace(/^\[(.*)\]$/s, '$1')
    if (isIP(address.replace(/%.*$/s, '')) !== 0 && !this.allows(address)) throw this.#refusal(host, address)
  }

  /** Resolves a name to those of its addresses that are allowed. The connection is made to one of these and no other. */
  readonly lookup: LookupFunction = (name, { all, family = 0 }, done) => {
    const wanted = family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : family
    this.#resolve(name, { all: true, family: wanted }, (error, addresses) => {
      if (error !== null) return done(error, '')
      const allowed = addresses.filter(({ address }) => this.allows(address))
      const [first] = allowed
      if (first === undefined) return done(this.#refusal(name, addresses[0]?.address ?? 'none'), '')
      if (all === true) done(null, allowed)
      else done(null, first.address, first.family)
    })
  }

  /** Looks at what a socket is connected to before anything is sent over it, and ends it when that is not allowed. */
  watch(socket: Socket, host: string): void {
    const check = () => {
      const { remoteAddress } = socket
      if (remoteAddress === undefined || !this.allows(remoteAddress)) {
        socket.destroy(this.#refusal(host, remoteAddress ?? 'none'))
      }
    }
    // Before all who wait to send.
    socket.prependOnceListener('connect', check)
  }

  #refusal(host: string, address: string): JobyardError {
    const place = placeOf(address)
    const where = place === 'never' ? 'which is never called' : `which is in the network ${place}`
    const allowed = [...this.#allowed].join(', ') || 'none'
    const hint = place === 'never' ? 'Use another address.' : `Allowed are: ${allowed} (JOBYARD_CALLS_NETWORKS).`
    const message = `${host} leads to ${address}, ${where}.`
    return new JobyardError('destination-refused', message, { hint, data: { host, network: place } })
  }
}
