import {
  createRootRoute,
  createRoute,
  type ErrorComponentProps,
  Outlet,
  redirect,
  useRouter,
} from '@tanstack/react-router'
import { Empty, Problem } from '../parts/problem.tsx'
import { isSignedOut, meQuery, queryClient } from './queries.ts'
import { Shell } from './shell.tsx'

/** What all addresses begin with. */
export const root = createRootRoute({ component: Outlet, notFoundComponent: NotFound, errorComponent: Failure })

/** What is around every page; who is not signed in is led to the sign-in, and back after it. */
export const shell = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  component: Shell,
  errorComponent: Failure,
  notFoundComponent: NotFound,
  beforeLoad: async ({ location }) => {
    try {
      await queryClient.ensureQueryData(meQuery)
    } catch (error) {
      if (!isSignedOut(error)) throw error
      throw redirect({ to: '/sign-in', search: location.href === '/' ? {} : { next: location.href } })
    }
  },
})

/** What every page in the shell begins with. */
export const page = { getParentRoute: () => shell, errorComponent: Failure } as const

function NotFound() {
  return (
    <div className="page">
      <Empty title="There is nothing at this address.">
        <p>
          Perhaps what was here has been deleted. <a href="/">Go to the overview.</a>
        </p>
      </Empty>
    </div>
  )
}

/** What stands in the place of a page that could not be shown. */
export function Failure({ error, reset }: ErrorComponentProps) {
  const router = useRouter()
  const again = (): void => {
    reset()
    void router.invalidate()
  }
  return (
    <div className="page">
      <Problem error={error} again={again} />
    </div>
  )
}
