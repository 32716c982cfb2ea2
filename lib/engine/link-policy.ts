// What the application wants a link to be used for, and how its use is bounded.

export const ROLES = ['primary', 'secondary', 'backup', 'never'] as const

/**
 * `primary`: used. `secondary`: joins while what waits is more than the primaries carry away in 50 ms. `backup`: used
 * while no link of another role is usable. `never`: carries control messages only.
 */
export type LinkRole = (typeof ROLES)[number]

export interface LinkPolicy {
  /** @defaultValue 'primary' */
  readonly role: LinkRole
  /** Counts the link as so many times quicker than it is where links are compared; more than 0. @defaultValue 1 */
  readonly weight: number
  /** Most bytes per second of data that this side sends on the link; `null`: no limit. @defaultValue null */
  readonly rateLimit: number | null
  /**
   * Bytes that the link may carry in all its life, both ways, framing included; once they are spent its role is `never`.
   * `null`: no limit. @defaultValue null
   */
  readonly byteBudget: number | null
}

export const DEFAULT_POLICY: LinkPolicy = Object.freeze({ role: 'primary', weight: 1, rateLimit: null, byteBudget: null })
