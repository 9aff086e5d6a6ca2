import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { searchCollection } from '../app/collection.ts'
import { page } from '../app/root.tsx'

const hooks = createRoute({
  ...page,
  path: '/web-hooks',
  validateSearch: searchCollection,
  component: lazyRouteComponent(() => import('./hooks-page.tsx'), 'WebHooks'),
})

/** The page of hooks. */
export const hooksRoutes = [hooks] as const
