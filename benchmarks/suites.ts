// All suites. One more is one import more.

import type { Suite } from './case.ts'
import { loopback } from './loopback/suite.ts'

export const suites: readonly Suite[] = [loopback]
