import type { FastifyContextConfig, FastifyReply, FastifyRequest } from 'fastify'
import type { ApiApp } from './api-app.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Whose the addresses are that no route is for. */
    readonly ownAddresses: OwnAddresses
  }
}

/** What lies below the addresses of a dialect is its own, and answered in its way although no route is there. */
export interface Claim {
  /** Whether a request is for one of these addresses. */
  owns(request: FastifyRequest): boolean
  /** Who may know that there is nothing. */
  readonly config: FastifyContextConfig
  answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply
  /** Answers what no route is for, whatever its method. */
  answerUnknownRoute(request: FastifyRequest, reply: FastifyReply): FastifyReply
}

/** The addresses that dialects have for themselves. */
export class OwnAddresses {
  readonly #claims: Claim[] = []

  claim(claim: Claim): void {
    this.#claims.push(claim)
  }

  /** Whose a request is that no route is for; undefined: nobody's but ours. */
  of(request: FastifyRequest): Claim | undefined {
    return request.is404 ? this.#claims.find((claim) => claim.owns(request)) : undefined
  }
}

/** Lets dialects claim addresses, and has them answer there once it is known who asks, before anything of a body is read. */
export function answerOwnAddresses(app: ApiApp): void {
  app.addHook('onRequest', async (request, reply) => {
    return app.ownAddresses.of(request)?.answerUnknownRoute(request, reply)
  })
}
