// Puts the simulation's platform below the library: what is imported after this module gets it.

import type { ResolveHook } from 'node:module'
import * as nodeModule from 'node:module'

const here = (name: string) => new URL(`./${name}.js`, import.meta.url).href

/** Instead of what the import map, or a module of the library, names. */
function replacement(specifier: string, parent: string | undefined): string | undefined {
  if (parent?.includes('/test/simulation/world/platform/')) return undefined
  if (specifier === '#platform/loop') return here('loop')
  if (specifier === '#platform/crypto') return here('crypto')
  if (specifier === './engine/connection.js' && parent?.endsWith('/lib/bond.js')) return here('connection')
  if (specifier === './client-handshake.js' && parent?.endsWith('/lib/outgoing-links.js')) return here('handshakes')
  if (specifier === './server-handshake.js' && parent?.endsWith('/lib/link-admitter.js')) return here('handshakes')
  return undefined
}

export const resolve: ResolveHook = (specifier, context, next) => {
  const url = replacement(specifier, context.parentURL)
  return url ? { url, shortCircuit: true } : next(specifier, context)
}

type SyncResolveHook = (
  specifier: string,
  context: { parentURL?: string },
  next: (specifier: string, context: object) => unknown,
) => unknown

const resolveSync: SyncResolveHook = (specifier, context, next) => {
  const url = replacement(specifier, context.parentURL)
  return url ? { url, shortCircuit: true } : next(specifier, context)
}

/** Node before 22.15 knows only hooks in a thread of their own. */
export function usePlatformOfSimulation(): void {
  const { registerHooks } = nodeModule as { registerHooks?: (hooks: { resolve: SyncResolveHook }) => void }
  if (registerHooks) registerHooks({ resolve: resolveSync })
  else nodeModule.register(import.meta.url)
}
