// `npm run demo`: bonds four links on this machine, cuts one, and fails when anything is lost or slow.

import { runDemo } from './run.ts'
import { standardScenario } from './scenario.ts'

try {
  const { passed } = await runDemo(standardScenario, process.stdout)
  if (!passed) process.exitCode = 1
} catch (error) {
  console.error(`demo failed: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}
