/** docs/conditions.md: the table of conditions as a page. */
import type { Condition, Severity } from '../src/conditions/condition.ts';
import { CONDITIONS } from '../src/conditions/table.ts';

const INTRODUCTION = `# What inetgw notices by itself

<!-- Made by \`npm run generate\` from src/conditions/. -->

Other programs change devices, queues and firewalls, and devices change under a shaper. \`inetgw DEV\`, \`inetgw status\` and
\`inetgw check DEV\` tell what they find, each in one line that ends in its name: \`… [mtu-raised]\`. With \`--json\` it is in
\`conditions[]\`: \`id\`, \`severity\`, \`text\`, \`remedy\`. \`test/lab/conditions.test.ts\` makes each of them on a real kernel.

| severity  | what it means                                                  | exit code     |
| --------- | -------------------------------------------------------------- | ------------- |
| \`broken\`  | what was set is not in force as it was said, wholly or in part | 3             |
| \`warning\` | it is in force, and something takes from its effect            | as without it |
| \`note\`    | for information                                                | as without it |

\`inetgw check DEV\` asks about the machine first: 5 if something is missing, and then 3 if something is broken. \`inetgw DEV\`
ends with 3 as well where nothing was set up.
`;

const HEADINGS: Readonly<Record<Severity, string>> = {
  broken: '## Broken: exit code 3',
  warning: '## Warnings',
  note: '## Notes',
};

function entry({ id, title, seenIn, meaning, remedy }: Condition): string {
  const first = title.charAt(0).toUpperCase() + title.slice(1);
  return [
    `### ${id}`,
    '',
    `${first}.`,
    '',
    `- seen in: ${seenIn}`,
    `- it means: ${meaning}`,
    `- to do: ${remedy}`,
    '',
  ].join('\n');
}

export function conditionsPage(): string {
  const groups = (['broken', 'warning', 'note'] as const).map((severity) =>
    [HEADINGS[severity], '', ...CONDITIONS.filter((each) => each.severity === severity).map(entry)].join(
      '\n',
    ),
  );
  return [INTRODUCTION, ...groups].join('\n');
}
