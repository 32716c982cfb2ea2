// Says why the link laboratory cannot work here and fails, or says nothing.

import { Laboratory } from './laboratory.ts'

try {
  Laboratory.up(['max']).down()
} catch (error) {
  console.log((error as Error).message)
  process.exitCode = 1
}
