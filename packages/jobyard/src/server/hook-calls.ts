import { VERSION } from '../cli/version.ts'
import type { Config } from '../config.ts'
import { describeForHooks } from '../dialects/webjobs/hook-bodies.ts'
import { Dialer } from '../outbound/dialer.ts'
import { HookCaller, type HookCallerOptions } from '../services/hooks/calls.ts'
import type { Shutdown } from './shutdown.ts'

type Parts = Omit<HookCallerOptions, 'dialer' | 'describer' | 'version'>

/** Makes ready the calls of hooks, which go out through the fence that the settings say. `address` is asked at each call. */
export function openHookCalls(config: Config, parts: Parts, address: () => string, shutdown: Shutdown): HookCaller {
  const dialer = new Dialer({ clock: parts.clock, networks: config.callsNetworks })
  shutdown.add('outbound connections', () => dialer.stop())
  const describer = describeForHooks(() => config.publicUrl ?? address())
  const calls = new HookCaller({ ...parts, dialer, describer, version: VERSION })
  // Stopped after the engine, whose last runs are told of, too.
  shutdown.add('hooks', () => calls.stop())
  return calls
}
