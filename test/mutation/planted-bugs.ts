import { driverBugs } from './driver-bugs.ts'
import { engineBugs } from './engine-bugs.ts'
import type { PlantedBug } from './planted-bug.ts'
import { policyBugs } from './policy-bugs.ts'
import { wireBugs } from './wire-bugs.ts'

export const plantedBugs: readonly PlantedBug[] = [...engineBugs, ...wireBugs, ...driverBugs, ...policyBugs]
