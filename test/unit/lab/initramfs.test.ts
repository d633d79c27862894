/** What the guest's first file system loads. */
import { expect, test } from 'vitest';
import { loadOrder, modulesToPreload } from '../../lab/initramfs.ts';

test.each(['.ko', '.ko.xz', '.ko.zst'])('modules come after what they need, as %s too', (ending) => {
  const dep = [
    `kernel/fs/9p/9p${ending}: kernel/net/9p/9pnet${ending} kernel/fs/netfs${ending}`,
    `kernel/fs/netfs${ending}:`,
    `kernel/net/9p/9pnet${ending}:`,
    `kernel/net/9p/9pnet_virtio${ending}: kernel/net/9p/9pnet${ending}`,
    `kernel/net/unwanted${ending}:`,
  ].join('\n');
  const names = loadOrder(dep, ['9pnet_virtio', '9p', 'built_in']).map((path) => path.replace(/.*\//, ''));
  expect(names).toEqual(['9pnet', '9pnet_virtio', 'netfs', '9p'].map((name) => name + ending));
});

test('what networks are made of is copied into memory, with all that it needs', () => {
  const dep = [
    'kernel/net/netfilter/xt_mark.ko: kernel/net/netfilter/x_tables.ko',
    'kernel/net/netfilter/x_tables.ko:',
    'kernel/net/sched/act_bpf.ko.xz: kernel/lib/libcrc32c.ko.xz',
    'kernel/lib/libcrc32c.ko.xz:',
    'kernel/drivers/net/ppp/pppoe.ko:',
    'kernel/drivers/net/ethernet/intel/e1000.ko:',
  ].join('\n');
  expect(modulesToPreload(dep)).toEqual([
    ...['kernel/net/netfilter/x_tables.ko', 'kernel/net/netfilter/xt_mark.ko'],
    ...['kernel/lib/libcrc32c.ko.xz', 'kernel/net/sched/act_bpf.ko.xz', 'kernel/drivers/net/ppp/pppoe.ko'],
  ]);
});
