// The entrance to the simulated world: the library is loaded behind it, over the simulation's platform.

import { usePlatformOfSimulation } from './platform/hooks.ts'

usePlatformOfSimulation()

export const { runWorld } = await import('./world.ts')
