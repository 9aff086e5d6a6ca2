import { useMutation } from '@tanstack/react-query'
import { tellDone, tellProblem } from '../parts/tell.tsx'
import { isSignedOut, meQuery, queryClient } from './queries.ts'

/** Something that can be done to the server. */
export interface Act<In, Out> {
  readonly run: (input: In) => Promise<Out>
  /** What is said when it is done; nothing for what shows by itself. */
  readonly done?: (result: Out, input: In) => string | undefined
  readonly after?: (result: Out, input: In) => void
  /** True where the page itself shows what goes wrong. */
  readonly quiet?: boolean
}

/** Does something to the server and tells how it went. What it changes comes back by the live events. */
export function useAct<In = void, Out = unknown>({ run, done, after, quiet = false }: Act<In, Out>) {
  return useMutation({
    mutationFn: run,
    onSuccess: (result, input) => {
      const text = done?.(result, input)
      if (text !== undefined) tellDone(text)
      after?.(result, input)
    },
    onError: (error) => {
      if (isSignedOut(error)) void queryClient.invalidateQueries({ queryKey: meQuery.queryKey })
      if (!quiet) tellProblem(error)
    },
  })
}
