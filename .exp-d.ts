import { Guest } from './test/lab/guest.ts';
import * as L from './test/lab/line.ts';
import { measure, downloads, uploads } from './test/lab/traffic.ts';
const g = await Guest.boot();
try {
  await L.setUpLine(g);
  const ex = async (cmd: string, ns='gw') => { const r = await g.request('exec', {argv:['sh','-c',cmd], ns}); if (r.code) console.log('$',cmd,'->',r.code, r.stdout+r.stderr); return r.stdout; };
  await ex('nft list ruleset; modprobe -a nf_tables nft_ct nf_conntrack sch_htb sch_fq_codel sch_ingress act_police act_gact cls_matchall act_skbedit; nft add table inet x; nft delete table inet x; node /work/main/dist/bin/inetgw.js check ppp0', 'gw');
  for (let i=0;i<3;i++) {
    console.log(await ex('node /work/main/dist/bin/inetgw.js ppp0 215 1600'));
    await g.request('sleep', {ms: 1000+i*137});
    const r = await measure(g, { flows: [downloads(4), uploads(2)], pings: 80, pingIntervalMs: 300 });
    const t = r.ping.timesMs;
    console.log('ping', (t.reduce((a,b)=>a+b,0)/t.length).toFixed(1), Math.max(...t), 'down', (r.downBitPerSec/1000).toFixed(0), 'up', (r.upBitPerSec/1000).toFixed(0));
    console.log(await ex('node /work/main/dist/bin/inetgw.js ppp0'));
    await ex('node /work/main/dist/bin/inetgw.js ppp0 clear');
    await g.request('sleep', {ms: 20000});
  }
} finally { await g.close(); }
