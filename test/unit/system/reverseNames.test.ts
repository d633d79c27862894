/** Names by reverse look-up: nobody waits, little is asked at once, little is kept, and it ends when it is told to. */
import { expect, it } from 'vitest';
import { ReverseNames } from '../../../src/system/device/reverseNames.ts';

/** A server that answers when it is told to, and a clock that is set. */
function stage() {
  const asked: string[] = [];
  const waiting = new Map<string, (name: string | undefined | Error) => void>();
  const clock = { ms: 0 };
  const names = new ReverseNames(
    (address, signal) =>
      new Promise((resolve, reject) => {
        asked.push(address);
        signal.addEventListener('abort', () => {
          reject(new Error('ended'));
        });
        waiting.set(address, (name) => {
          if (name instanceof Error) reject(name);
          else resolve(name);
        });
      }),
    () => clock.ms,
  );
  const answer = async (address: string, name: string | undefined | Error): Promise<void> => {
    waiting.get(address)?.(name);
    await settled();
  };
  return { asked, names, clock, answer };
}
const settled = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });
const addresses = (count: number, net = 0): string[] =>
  Array.from({ length: count }, (_, n) => `10.${net}.${n >> 8}.${n & 255}`);

it('asks for eight at once, and for the next when one has answered', async () => {
  const { asked, names, answer } = stage();
  const all = addresses(20);
  expect([names.read(all).size, names.read(all).size]).toEqual([0, 0]);
  expect(asked).toEqual(all.slice(0, 8));
  await answer('10.0.0.3', 'laptop.lan.');
  expect([...names.read(all)]).toEqual([['10.0.0.3', 'laptop.lan']]);
  expect(asked).toEqual(all.slice(0, 9));
});

it('holds a name for ten minutes, and that there is none for one', async () => {
  const { asked, names, clock, answer } = stage();
  const both = ['10.0.0.1', '10.0.0.2'];
  names.read(both);
  await answer('10.0.0.1', 'laptop');
  await answer('10.0.0.2', undefined);
  clock.ms = 59_999;
  names.read(both);
  expect(asked).toEqual(both);
  clock.ms = 60_000;
  names.read(both);
  expect(asked).toEqual([...both, '10.0.0.2']);
  clock.ms = 600_000;
  expect(names.read(['10.0.0.1']).get('10.0.0.1')).toBe('laptop');
  expect(asked.at(-1)).toBe('10.0.0.1');
});

it('where nobody answers, a name of before stays, and it is asked again a minute later', async () => {
  const { asked, names, clock, answer } = stage();
  const one = ['10.0.0.1'];
  names.read(one);
  await answer('10.0.0.1', 'laptop');
  clock.ms = 600_000;
  names.read(one);
  await answer('10.0.0.1', new Error('silent'));
  expect(names.read(one).get('10.0.0.1')).toBe('laptop');
  expect(asked).toHaveLength(2);
  clock.ms = 660_000;
  names.read(one);
  expect(asked).toHaveLength(3);
});

it('forgets the oldest of more than a thousand', async () => {
  const { asked, names, answer } = stage();
  const all = [...addresses(1024), ...addresses(1, 1)];
  for (const address of all) {
    names.read([address]);
    await answer(address, 'name');
  }
  expect(names.read(all.slice(1, 1024)).size).toBe(1023);
  expect(asked).toHaveLength(1025);
  expect(names.read(['10.0.0.0']).size).toBe(0);
});

it('when it is told to end, it ends what it asks, and asks no more', async () => {
  const { asked, names, answer } = stage();
  names.read(['10.0.0.1']);
  names.close();
  await settled();
  await answer('10.0.0.1', 'too late');
  expect(names.read(['10.0.0.1', '10.0.0.2']).size).toBe(0);
  expect(asked).toEqual(['10.0.0.1']);
});

it('what is answered is fit for a terminal', async () => {
  const { names, answer } = stage();
  names.read(['10.0.0.1']);
  await answer('10.0.0.1', `\x1b[2J${'a'.repeat(300)}`);
  expect(names.read(['10.0.0.1']).get('10.0.0.1')).toBe(`\\x1b[2J${'a'.repeat(59)}`);
});
