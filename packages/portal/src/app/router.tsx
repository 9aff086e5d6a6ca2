import {
  createRootRoute,
  createRoute,
  createRouter,
  type ErrorComponentProps,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { Empty, Problem } from '../parts/problem.tsx'
import { SignIn } from '../sign-in/sign-in.tsx'
import { safePath } from './paths.ts'
import { isSignedOut, meQuery, queryClient, whenSignedOut } from './queries.ts'
import { Shell } from './shell.tsx'

const root = createRootRoute({ component: Outlet, notFoundComponent: NotFound, errorComponent: Failure })

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  // What is left out here would stay as the address has it.
  validateSearch: ({ next }: Record<string, unknown>): { next?: string | undefined } => ({ next: safePath(next) }),
  component: SignIn,
})

const shell = createRoute({
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

const page = { getParentRoute: () => shell, errorComponent: Failure } as const

const overview = createRoute({
  ...page,
  path: '/',
  component: lazyRouteComponent(() => import('../overview/overview.tsx'), 'Overview'),
})

const webjobs = createRoute({
  ...page,
  path: '/webjobs',
  component: lazyRouteComponent(() => import('../webjobs/list.tsx'), 'WebJobs'),
})

const addWebJob = createRoute({
  ...page,
  path: '/webjobs/new',
  component: lazyRouteComponent(() => import('../webjobs/add.tsx'), 'AddWebJob'),
})

const webjob = createRoute({
  ...page,
  path: '/webjobs/$job',
  component: lazyRouteComponent(() => import('../webjobs/job-page.tsx'), 'JobPage'),
})

const tab = { getParentRoute: () => webjob, errorComponent: Failure } as const

const history = createRoute({
  ...tab,
  path: '/',
  component: lazyRouteComponent(() => import('../webjobs/history.tsx'), 'History'),
})

const properties = createRoute({
  ...tab,
  path: '/properties',
  component: lazyRouteComponent(() => import('../webjobs/properties.tsx'), 'Properties'),
})

const packages = createRoute({
  ...tab,
  path: '/packages',
  component: lazyRouteComponent(() => import('../webjobs/packages.tsx'), 'Packages'),
})

const run = createRoute({
  ...page,
  path: '/webjobs/$job/runs/$run',
  component: lazyRouteComponent(() => import('../webjobs/run-page.tsx'), 'RunPage'),
})

const azureJobs = createRoute({
  ...page,
  path: '/azurejobs',
  component: lazyRouteComponent(() => import('../webjobs/old-address.tsx'), 'OldAddress'),
})

/** Every page of the portal, by its address. */
export const router = createRouter({
  routeTree: root.addChildren([
    signIn,
    shell.addChildren([
      overview,
      webjobs,
      addWebJob,
      webjob.addChildren([history, properties, packages]),
      run,
      azureJobs,
    ]),
  ]),
  defaultPreload: 'intent',
  scrollRestoration: true,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}

whenSignedOut(() => {
  const { href, pathname } = router.state.location
  if (pathname === '/sign-in') return
  queryClient.removeQueries()
  void router.navigate({ to: '/sign-in', search: href === '/' ? {} : { next: href }, replace: true })
})

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

function Failure({ error, reset }: ErrorComponentProps) {
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
