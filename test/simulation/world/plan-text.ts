// Plans as one line of text: JSON, in which `Infinity` is a string.

import type { WorldPlan } from './plan.ts'

export function formatPlan(plan: WorldPlan): string {
  return JSON.stringify(plan, (_, value) => (value === Number.POSITIVE_INFINITY ? 'Infinity' : value))
}

export function parsePlan(text: string): WorldPlan {
  return JSON.parse(text, (_, value) => (value === 'Infinity' ? Number.POSITIVE_INFINITY : value))
}
