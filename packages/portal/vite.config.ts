import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** Where `vite` finds a server to develop against. */
const SERVER = process.env.JOBYARD_URL ?? 'http://127.0.0.1:7780'

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: {
    target: 'es2023',
    // Who builds says where; in the end it lies in dist.
    outDir: process.env.JOBYARD_PORTAL_OUT ?? 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            {
              name: 'base',
              test: /node_modules\/(react|react-dom|scheduler|@tanstack\/(react-router|router-core|history|store|react-store|react-query|query-core))\//,
            },
          ],
        },
      },
    },
  },
  server: {
    proxy: Object.fromEntries(['/v1', '/health', '/hooks'].map((path) => [path, SERVER])),
  },
})
