import './app/mantine.css'
import './app/portal.css'
import { MantineProvider } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { setNonce } from 'get-nonce'
import { createRoot } from 'react-dom/client'
import { queryClient } from './app/queries.ts'
import { router } from './app/router.ts'
import { theme, variables } from './app/theme.ts'

const nonce = document.querySelector<HTMLMetaElement>('meta[name=style-nonce]')?.content ?? ''
// For the styles that keep the page behind a dialog from scrolling.
setNonce(nonce)

// After an upgrade the scripts of a page that was open have other names: it is loaded anew.
window.addEventListener('vite:preloadError', (event) => {
  event.preventDefault()
  location.reload()
})

const portal = document.getElementById('portal')
if (portal === null) throw new Error('The document has no place for the portal.')
createRoot(portal).render(
  <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto" getStyleNonce={() => nonce}>
    <QueryClientProvider client={queryClient}>
      <Notifications position="bottom-right" limit={4} />
      <RouterProvider router={router} />
    </QueryClientProvider>
  </MantineProvider>,
)
