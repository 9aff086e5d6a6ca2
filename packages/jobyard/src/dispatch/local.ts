import { ClaimLoop, type ClaimLoopOptions } from './claim-loop.ts'
import type { Dispatcher } from './contract.ts'

/**
 * Dispatch for the embedded database, whose one instance knows of everything that becomes due: by `wake`, or because a
 * claim said when. It looks by itself only every 30 to 60 seconds, in case something was forgotten.
 */
export function createLocalDispatcher(options: ClaimLoopOptions): Dispatcher {
  const loop = new ClaimLoop(options)
  return {
    async start(claimer) {
      loop.start(claimer)
    },
    wake: () => loop.wake(),
    useRoom: () => loop.useRoom(),
    stop: () => loop.stop(),
  }
}
