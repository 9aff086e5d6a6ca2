import { createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'
import { hooksRoutes } from '../hooks/routes.ts'
import { settingsRoutes } from '../settings/routes.ts'
import { SignIn } from '../sign-in/sign-in.tsx'
import { webJobsRoutes } from '../webjobs/routes.ts'
import { safePath } from './paths.ts'
import { queryClient, whenSignedOut } from './queries.ts'
import { page, root, shell } from './root.tsx'

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  // What is left out here would stay as the address has it.
  validateSearch: ({ next }: Record<string, unknown>): { next?: string | undefined } => ({ next: safePath(next) }),
  component: SignIn,
})

const overview = createRoute({
  ...page,
  path: '/',
  component: lazyRouteComponent(() => import('../overview/overview.tsx'), 'Overview'),
})

/**
 * Every page of the portal, by its address. A kind of job brings its own routes; the server must know where they begin
 * (`PAGES` in its `routes/pages.ts`), and the navigation too (`sections.ts`).
 */
export const router = createRouter({
  routeTree: root.addChildren([
    signIn,
    shell.addChildren([overview, ...webJobsRoutes, ...settingsRoutes, ...hooksRoutes]),
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
