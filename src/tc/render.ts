/** tc's own words for each object: one line of `tc -batch` each. Pure. */
import {
  CAKE_FLOW_MODE,
  type Action,
  type Filter,
  type HtbClass,
  type ProgramFilter,
  type Qdisc,
  type QdiscSpec,
  type SmallPacketFilter,
  type UdpFilter,
  type Stab,
} from './objects.ts';

export function renderQdisc(verb: 'add' | 'change', qdisc: Qdisc): string {
  const where =
    qdisc.parent === 'root' || qdisc.parent === 'ingress' ? qdisc.parent : `parent ${qdisc.parent}`;
  // `ingress` names the place and the kind at once; its handle is always ffff:.
  if (qdisc.spec.kind === 'ingress' || qdisc.spec.kind === 'clsact') {
    return `qdisc ${verb} dev ${qdisc.dev} handle ${qdisc.handle} ${qdisc.spec.kind}`;
  }
  const stab = qdisc.stab === undefined ? '' : `${renderStab(qdisc.stab)} `;
  return `qdisc ${verb} dev ${qdisc.dev} ${where} handle ${qdisc.handle} ${stab}${renderSpec(verb, qdisc.spec)}`;
}

function renderStab(stab: Stab): string {
  const mpu = stab.mpuBytes > 0 ? ` mpu ${stab.mpuBytes}` : '';
  return `stab mtu ${stab.mtuBytes} tsize 512${mpu} overhead ${stab.overheadBytes} linklayer ${stab.linkLayer}`;
}

function renderSpec(
  verb: 'add' | 'change',
  spec: Exclude<QdiscSpec, { kind: 'ingress' | 'clsact' }>,
): string {
  switch (spec.kind) {
    case 'htb':
      return `htb default ${spec.defaultMinor}`;
    case 'fq_codel':
      // The number of flows is fixed once the qdisc stands; naming it in a change is refused.
      return (
        `fq_codel limit ${spec.limitPackets}${verb === 'add' ? ` flows ${spec.flows}` : ''}` +
        ` quantum ${spec.quantumBytes} target ${spec.targetUs}us interval ${spec.intervalUs}us ${spec.ecn ? 'ecn' : 'noecn'}`
      );
    case 'cake':
      if ('hosts' in spec) {
        // Split, a packet would count for its bare length in the class: without the line's framing.
        return (
          `cake unlimited besteffort ${CAKE_FLOW_MODE[spec.hosts]} nat rtt ${spec.rttUs}us memlimit ${spec.memoryBytes} no-split-gso` +
          // A change leaves as it was what it does not name.
          (spec.ackFilter === undefined
            ? verb === 'change'
              ? ' no-ack-filter'
              : ''
            : ` ack-filter-${spec.ackFilter}`)
        );
      }
      return (
        `cake bandwidth ${spec.bandwidthBitPerSec}bit besteffort dual-dsthost nat ingress split-gso` +
        ` ${spec.linkLayer} overhead ${spec.overheadBytes} mpu ${spec.mpuBytes}`
      );
    case 'sfq':
      return `sfq limit ${spec.limitPackets} quantum ${spec.quantumBytes} perturb ${spec.perturbSec}`;
  }
}

export function renderClass(verb: 'add' | 'change', htbClass: HtbClass): string {
  const { dev, parent, classId, quantumBytes, prio } = htbClass;
  return (
    `class ${verb} dev ${dev} parent ${parent} classid ${classId} htb` +
    ` rate ${htbClass.rateBitPerSec}bit ceil ${htbClass.ceilBitPerSec}bit` +
    ` burst ${htbClass.burstBytes} cburst ${htbClass.cburstBytes} quantum ${quantumBytes} prio ${prio}`
  );
}

export function renderFilterAdd(filter: Filter): string {
  const actions = filter.actions.map((action) => ` action ${renderAction(action)}`).join('');
  return `filter add dev ${filter.dev} parent ${filter.parent} protocol all pref ${filter.pref} matchall${actions}`;
}

/** The handle is named so that the same line with `replace` swaps the program in place. */
export function renderProgram(verb: 'add' | 'replace', filter: ProgramFilter): string {
  const actions = filter.actions.map((action) => ` action ${renderAction(action)}`).join('');
  return (
    `filter ${verb} dev ${filter.dev} parent ${filter.parent} protocol all pref ${filter.pref} handle 1` +
    ` bpf object-file ${filter.objectFile} section ${filter.section}${actions}`
  );
}

/** The high byte of the length is zero: total length in IPv4, payload length in IPv6. */
const LENGTH_AT = { ip: 2, ipv6: 4 } as const;

export function renderSmallPackets(filter: SmallPacketFilter): string {
  return (
    `filter add dev ${filter.dev} parent ${filter.parent} protocol ${filter.protocol} pref ${filter.pref}` +
    ` u32 match u16 0 0xff00 at ${LENGTH_AT[filter.protocol]} flowid ${filter.classId}`
  );
}

/** Options and extension headers are not looked for: QUIC's packets have none. */
export function renderUdp({ dev, parent, protocol, pref, which, classId }: UdpFilter): string {
  const family = protocol === 'ip' ? 'ip' : 'ip6';
  const ecn = protocol === 'ip' ? 'u32 0x00020000 0x00020000 at 0' : 'u32 0x00200000 0x00200000 at 0';
  return [
    `filter add dev ${dev} parent ${parent} protocol ${protocol} pref ${pref} u32 match ${family} protocol 17 0xff`,
    `match ${which === 'ecn' ? ecn : `${family} sport ${which.fromPort} 0xffff`}`,
    `flowid ${classId}`,
  ].join(' ');
}

/** An action is changed by its index; the filter that holds it stays as it is. */
export function renderActionChange(action: Action): string {
  return `actions change action ${renderAction(action)}`;
}

function renderAction(action: Action): string {
  switch (action.kind) {
    case 'police': {
      const mpu = action.mpuBytes > 0 ? ` mpu ${action.mpuBytes}` : '';
      return (
        `police rate ${action.rateBitPerSec}bit burst ${action.burstBytes} mtu ${action.mtuBytes}${mpu}` +
        ` overhead ${action.overheadBytes} linklayer ${action.linkLayer}` +
        ` conform-exceed ${action.exceed}/${action.conform} index ${action.index}`
      );
    }
    case 'policeSize':
      return `police mtu ${action.maxBytes} conform-exceed ${action.exceed}/${action.conform} index ${action.index}`;
    case 'mark': {
      const priority = action.priority === undefined ? '' : ` priority ${action.priority}`;
      return `skbedit${priority} mark ${action.mark} ${action.then} index ${action.index}`;
    }
    case 'drop':
      return `gact drop index ${action.index}`;
    case 'ok':
      return `gact ok index ${action.index}`;
    case 'count':
      return `gact pipe index ${action.index}`;
    case 'countOnly':
      return `gact continue index ${action.index}`;
    case 'redirect':
      return `mirred egress redirect dev ${action.toDev} index ${action.index}`;
  }
}
