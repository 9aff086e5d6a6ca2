import { describe, expect, test } from 'vitest'
import { isLoopback, requireSafeListening } from '../../src/config/listening.ts'

const PLAIN = { tlsCert: null, behindProxy: false }

describe('where the server may listen', () => {
  test.each(['127.0.0.1', '127.8.9.10', '::1', '[::1]', 'localhost', 'LOCALHOST', '::ffff:127.0.0.1'])(
    '%s is this machine alone',
    (host) => {
      expect(isLoopback(host)).toBe(true)
      expect(() => requireSafeListening({ host, ...PLAIN })).not.toThrow()
    },
  )

  test.each(['0.0.0.0', '::', '192.168.1.1', '128.0.0.1', 'jobs.example.com', 'localhost.example.com', '::2', '127.1'])(
    '%s can be reached by others, so it takes TLS or a proxy',
    (host) => {
      expect(isLoopback(host)).toBe(false)
      expect(() => requireSafeListening({ host, ...PLAIN })).toThrow(
        expect.objectContaining({ code: 'listen-refused' }),
      )
      expect(() => requireSafeListening({ host, ...PLAIN, behindProxy: true })).not.toThrow()
      expect(() => requireSafeListening({ host, ...PLAIN, tlsCert: '/c.pem' })).not.toThrow()
    },
  )
})
