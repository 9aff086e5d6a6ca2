import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { Failure, page } from '../app/root.tsx'

const list = createRoute({
  ...page,
  path: '/webjobs',
  component: lazyRouteComponent(() => import('./list.tsx'), 'WebJobs'),
})

const add = createRoute({
  ...page,
  path: '/webjobs/new',
  component: lazyRouteComponent(() => import('./add.tsx'), 'AddWebJob'),
})

const job = createRoute({
  ...page,
  path: '/webjobs/$job',
  component: lazyRouteComponent(() => import('./job-page.tsx'), 'JobPage'),
})

const tab = { getParentRoute: () => job, errorComponent: Failure } as const

const history = createRoute({
  ...tab,
  path: '/',
  component: lazyRouteComponent(() => import('./history.tsx'), 'History'),
})

const properties = createRoute({
  ...tab,
  path: '/properties',
  component: lazyRouteComponent(() => import('./properties.tsx'), 'Properties'),
})

const packages = createRoute({
  ...tab,
  path: '/packages',
  component: lazyRouteComponent(() => import('./packages.tsx'), 'Packages'),
})

const data = createRoute({
  ...tab,
  path: '/data',
  validateSearch: ({ path }: Record<string, unknown>): { path?: string | undefined } => ({
    path: path === undefined ? undefined : String(path),
  }),
  component: lazyRouteComponent(() => import('./data.tsx'), 'Data'),
})

const run = createRoute({
  ...page,
  path: '/webjobs/$job/runs/$run',
  component: lazyRouteComponent(() => import('./run-page.tsx'), 'RunPage'),
})

const oldAddress = createRoute({
  ...page,
  path: '/azurejobs',
  component: lazyRouteComponent(() => import('./old-address.tsx'), 'OldAddress'),
})

/** The pages of script jobs. */
export const webJobsRoutes = [
  list,
  add,
  job.addChildren([history, properties, packages, data]),
  run,
  oldAddress,
] as const
