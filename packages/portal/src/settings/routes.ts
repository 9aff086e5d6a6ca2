import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { searchCollection } from '../app/collection.ts'
import { page } from '../app/root.tsx'

const settings = createRoute({
  ...page,
  path: '/app-settings',
  validateSearch: searchCollection,
  component: lazyRouteComponent(() => import('./settings-page.tsx'), 'AppSettings'),
})

/** The page of app settings. */
export const settingsRoutes = [settings] as const
