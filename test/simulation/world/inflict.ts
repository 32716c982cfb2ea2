// Does to a path what a fault of the network says.

import type { Path } from './path.ts'
import type { NetworkFault } from './plan.ts'
import type { VirtualLoop } from './virtual-loop.ts'

const ENDS = ['client', 'server'] as const
const BOTH = ['up', 'down'] as const

/** @param stopsMs - time at which what repeats must be over */
export function inflict(
  fault: NetworkFault,
  path: Path,
  loop: VirtualLoop,
  stopsMs: number,
  rogue: Parameters<Path['divert']>[0],
): void {
  switch (fault.kind) {
    case 'reset':
      path.reset(fault.ends)
      break
    case 'clean-end':
      path.end(BOTH)
      break
    case 'half-close':
      path.end([fault.direction])
      break
    case 'blackhole':
      path.cut(fault.directions, Number.POSITIVE_INFINITY)
      break
    case 'pause':
      path.cut(fault.directions, loop.nowMs + fault.durationMs)
      break
    case 'swallow':
      path.swallow(fault.directions)
      break
    case 'stall':
      path.stall(fault.directions)
      break
    case 'withhold-drain':
      path.withholdDrain(fault.directions)
      break
    case 'trickle':
      path.change('trickle', fault.directions, { rateBytesPerMs: fault.rateBytesPerMs })
      break
    case 'delay-step':
      path.change('delay-step', fault.directions, { delayMs: fault.delayMs })
      break
    case 'jitter-burst':
      path.jitter(fault.directions, fault.jitterMs, fault.durationMs)
      break
    case 'shrink-buffer':
      path.change('shrink-buffer', fault.directions, { pipeBufferBytes: fault.pipeBufferBytes })
      break
    case 'flip-bit':
    case 'drop':
    case 'double':
      path.damage(fault.directions, fault.kind, fault.chunks)
      break
    case 'cut-handshake':
      path.cutHandshake(fault.direction, fault.bytes)
      break
    case 'refuse':
      path.refuse(fault.durationMs === null ? Number.POSITIVE_INFINITY : loop.nowMs + fault.durationMs)
      break
    case 'flap':
      for (let time = 0; time < fault.times; time++) {
        const timeMs = loop.nowMs + time * fault.everyMs
        if (timeMs < stopsMs) loop.outside(timeMs, () => path.reset(ENDS))
      }
      break
    case 'rogue-server':
      path.divert(rogue)
      path.reset(ENDS)
      break
  }
}
